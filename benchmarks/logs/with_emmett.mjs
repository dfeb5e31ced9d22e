// emmett: its PostgreSQL event store, which answers to the commands of driver.py.
//
//     node with_emmett.mjs URL      (with the folder of node_modules as EMMETT_HOME)
//
// Its pool has as many connections as those of the other stores. Everything is read by
// readMessagesBatch, which its consumers use.

import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const home = createRequire(process.env.EMMETT_HOME + '/');
const load = async (name) => import(pathToFileURL(home.resolve(name)).href);
const emmett = await load('@event-driven-io/emmett-postgresql');
const { getPostgreSQLEventStore, readMessagesBatch } = emmett.default ?? emmett;
const dumbo = await load('@event-driven-io/dumbo');
const pg = await load('pg');

const CONNECTIONS = 8;
const PAGE = 1000;
const EVENTS_A_STREAM = 20;
const WARM_UP = 0.2;

const url = process.argv[2];
const pool = new (pg.default ?? pg).Pool({ connectionString: url, max: CONNECTIONS });
const store = getPostgreSQLEventStore(url, {
  schema: { autoMigration: 'None' },
  connectionOptions: { pool },
});
const reading = (dumbo.default ?? dumbo).dumbo({ connectionString: url, pool });
let payload;
const filled = [];

const now = () => performance.now() / 1000;

const append = (category, key, size) =>
  store.appendToStream(
    `${category}-${key}`,
    Array.from({ length: size }, () => ({ type: 'StepTaken', data: payload })),
  );

// The stream of each call: a new one for each batch, and one for some single events.
function* streams(size) {
  for (;;) {
    const key = randomUUID();
    for (let call = 0; call < (size === 1 ? EVENTS_A_STREAM : 1); call++) yield key;
  }
}

async function turn(category, callers, size, seconds) {
  const taken = [];
  const began = now();
  const work = async () => {
    const keys = streams(size);
    for (let start = began; start < began + seconds; ) {
      await append(category, keys.next().value, size);
      const end = now();
      taken.push(end - start);
      start = end;
    }
  };
  await Promise.all(Array.from({ length: callers }, work));
  const passed = now() - began;
  taken.sort((a, b) => a - b);
  const p99 = taken[Math.floor(taken.length * 0.99)] * 1000;
  return { rate: (taken.length * size) / passed, p99 };
}

async function page(after) {
  const found = await readMessagesBatch(reading.execute, { after, batchSize: PAGE });
  return [found.messages.length ? found.currentGlobalPosition : after, found.messages];
}

const commands = {
  async begin() {
    await store.schema.migrate();
    return {};
  },
  async append({ category, callers, size, seconds }) {
    await turn(category, callers, size, WARM_UP);
    return turn(category, callers, size, seconds);
  },
  async tell({ category, events }) {
    const keys = streams(1);
    for (let event = 0; event < events; event++) await append(category, keys.next().value, 1);
    return {};
  },
  async fill({ category, streams: number, length }) {
    for (let stream = 0; stream < number; stream++) {
      filled.push(randomUUID());
      await append(category, filled.at(-1), length);
    }
    return {};
  },
  async read_streams({ category, seconds }) {
    let events = 0;
    const began = now();
    let passed = 0;
    for (let at = 0; passed <= seconds; at++) {
      const read = await store.readStream(`${category}-${filled[at % filled.length]}`);
      events += read.events.length;
      passed = now() - began;
    }
    return { rate: events / passed };
  },
  async read_all() {
    let events = 0;
    let after = 0n;
    const began = now();
    for (;;) {
      let found;
      [after, found] = await page(after);
      if (!found.length) return { rate: events / (now() - began), events };
      events += found.length;
    }
  },
  async follow({ until }) {
    const seen = new Set();
    let after = 0n;
    for (;;) {
      const lastLook = existsSync(until);
      let found;
      [after, found] = await page(after);
      for (const each of found) seen.add(each.metadata.messageId);
      if (lastLook && !found.length) return { events: seen.size };
    }
  },
};

const answer = (value) => process.stdout.write(JSON.stringify(value) + '\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...command } = JSON.parse(line);
  if (payload === undefined) {
    payload = command.payload;
    answer({});
  } else {
    answer(await commands[name](command));
  }
}
process.exit(0);
