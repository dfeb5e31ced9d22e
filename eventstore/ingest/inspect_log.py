"""Reads Inspect evaluation logs, as `.json` or as zipped `.eval`: each sample is a run of its own.

| in the file                   | in the log                                                      |
|-------------------------------|-----------------------------------------------------------------|
| sample, in one epoch          | work order with one item, input and target; one attempt at it   |
| model                         | agent of that name, a session in each sample                    |
| message                       | message, with the time of its model or tool event               |
| tool call                     | decision `tool_call`                                            |
| answer of a tool              | message, caused by the call; outcome of the call: a failure if  |
|                               | it is an error; an error of the attempt if the call is unknown  |
| score                         | evaluation and accuracy in percent, if it is a grade or in 0    |
|                               | to 1; else evidence                                             |
| error of the sample           | error of the attempt, FAILED; without one COMPLETED             |

The ids of evaluation, task, sample and epoch name a run, so that a log in both forms is told once.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final
from uuid import NAMESPACE_URL, uuid5
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo, is_zipfile

from eventstore.append import Append
from eventstore.ingest.form import checked, document
from eventstore.ingest.inspect_sample import Evaluation, Sample, tell
from eventstore.ingest.json_records import head, records
from eventstore.ingest.reader import BrokenFile, BrokenRecord, Reader, one_by_one, whole
from eventstore.ingest.story import Story, registration

__all__ = ["NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:inspect")
_ABOUT_ALL: Final = ("header.json", "_journal/start.json")
"""Where a zipped log says what it is about; a log that was not finished has the second only."""


_ENCRYPTED: Final = 0x1
_DAMAGE: Final = (BadZipFile, NotImplementedError, ValueError, EOFError, struct.error, zlib.error)
"""What a damaged archive can make Python's reader of zip files raise."""


def read(file: BinaryIO, name: str) -> Iterator[Append | BrokenRecord]:
    """The events of each sample; raises BrokenFile when the log says nothing of itself."""
    if is_zipfile(file):
        yield from _read_zipped(file, name)
        return
    file.seek(0)
    yield from _tell(_evaluation(head(file, "samples")), _samples(file), name)


reader: Final = Reader(read, names=("*.json", "*.eval"))


def _samples(file: BinaryIO) -> Iterator[Any]:
    file.seek(0)
    yield from records(file, "samples.item")


def _read_zipped(file: BinaryIO, name: str) -> Iterator[Append | BrokenRecord]:
    try:
        archive = ZipFile(file)
    except _DAMAGE as error:
        raise BrokenFile(f"is no zip file: {error}") from None
    with archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        about = next((entries[each] for each in _ABOUT_ALL if each in entries), None)
        if about is None:
            raise BrokenFile(f"has neither {' nor '.join(_ABOUT_ALL)}")
        evaluation = _evaluation(_document(archive, about))
        samples = [
            entry
            for place, entry in entries.items()
            if place.startswith("samples/") and place.endswith(".json")
        ]
        yield from _tell(evaluation, samples, name, archive)


def _tell(
    evaluation: Evaluation, samples: Any, name: str, archive: ZipFile | None = None
) -> Iterator[Append | BrokenRecord]:
    source = {
        "format": "inspect",
        "file": name,
        "run": evaluation.run_id,
        "evaluation": evaluation.eval_id,
    }
    named = f"{evaluation.run_id}/{evaluation.task_id}/{evaluation.eval_id or ''}"

    def one(given: Any) -> Iterator[Append]:
        record = given if archive is None else _document(archive, given)
        sample = checked(Sample, record)
        key = f"{named}/{sample.id}/{sample.epoch}"
        yield registration(NAMESPACE, evaluation.model, "model", source, evaluation.created)
        story = Story(uuid5(NAMESPACE, key), source, evaluation.created)
        yield from tell(sample, evaluation, story)

    yield from one_by_one(samples, one, "samples")


def _evaluation(about: Any) -> Evaluation:
    given = about.get("eval") if isinstance(about, dict) else None
    if given is None:
        raise BrokenFile("is no Inspect log: it has no `eval`, or only after its samples")
    try:
        return checked(Evaluation, given)
    except BrokenFile as error:
        raise BrokenFile(error.reason, path=f"eval.{error.path}") from None


def _document(archive: ZipFile, entry: ZipInfo) -> Any:
    """A member of the archive, read up to the limit whatever it says of its size."""
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or entry.flag_bits & _ENCRYPTED:
        raise BrokenFile(f"{entry.filename} is encrypted, or packed in a way that is not known")
    try:
        with archive.open(entry) as member:
            data = whole(member)
    except _DAMAGE as error:
        raise BrokenFile(f"{entry.filename} is damaged: {error}") from None
    return document(data)
