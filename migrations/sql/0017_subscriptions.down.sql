REVOKE USAGE ON SCHEMA eventstore FROM eventstore_subscriber;
DROP FUNCTION eventstore.resolve_parked(text, text, bigint[], text, text, text);
DROP FUNCTION eventstore.wait_for_deliveries(bigint, integer);
DROP FUNCTION eventstore.claim_deliveries(text, text, bigint, integer, bigint);
DROP FUNCTION eventstore.matching(eventstore.subscriptions, bigint, integer);
DROP FUNCTION eventstore.settle_deliveries(text, text, bigint, bigint[], json);
DROP FUNCTION eventstore.release_lost(eventstore.subscriptions);
DROP FUNCTION eventstore.park_delivery(eventstore.subscriptions, bigint, text, text, text);
DROP FUNCTION eventstore.leave_subscription(text, text, bigint);
DROP FUNCTION eventstore.join_subscription(text, text, text);
DROP FUNCTION eventstore.drop_subscription(text, text, boolean);
DROP FUNCTION eventstore.create_subscription(
    text, text, text[], text[], uuid, text[], text, integer, double precision, double precision,
    integer, bigint);
DROP FUNCTION eventstore.give_sign_of_life(text, text, bigint);
DROP FUNCTION eventstore.lock_subscription(text, text);
DROP FUNCTION eventstore.act_as_subscriber(text, boolean);
DROP TABLE eventstore.parked;
DROP TABLE eventstore.deliveries;
DROP TABLE eventstore.subscription_consumers;
DROP SEQUENCE eventstore.subscription_tokens;
DROP TABLE eventstore.subscriptions;
