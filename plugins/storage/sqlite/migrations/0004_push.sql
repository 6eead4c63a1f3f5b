-- What is owed to users who are away, and where they can be reached.

-- One message owed to one user. state is PushState: 0 is owed. A lease is NULL in both columns when nobody has it;
-- finished is 0 while it is owed.
CREATE TABLE push_queue (
  message_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  attempts INTEGER NOT NULL,
  created BIGINT NOT NULL,
  due BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  leased_by BIGINT,
  leased_until BIGINT,
  reason TEXT NOT NULL,
  plan TEXT NOT NULL,
  PRIMARY KEY (message_id, user_id)
) WITHOUT ROWID;
CREATE INDEX push_queue_user ON push_queue (user_id, message_id);
CREATE INDEX push_queue_state ON push_queue (state, message_id, user_id);
CREATE INDEX push_queue_due ON push_queue (due, message_id, user_id) WHERE state = 0;
CREATE INDEX push_queue_lease ON push_queue (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX push_queue_finished ON push_queue (finished) WHERE finished > 0;

-- Ids are never given twice: what a push says of its devices must not come to mean another one.
CREATE TABLE device (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  token TEXT NOT NULL,
  platform TEXT NOT NULL,
  client TEXT NOT NULL,
  app TEXT NOT NULL,
  locale TEXT NOT NULL,
  registered BIGINT NOT NULL,
  last_success BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  failure TEXT NOT NULL
);
CREATE UNIQUE INDEX device_token ON device (channel, token);
CREATE INDEX device_user ON device (user_id);

-- push_time is written as YYYY-MM-DD HH:MM:SS.SSS, so that its order is that of time.
CREATE INDEX push_log_message ON push_log (message_id);
CREATE INDEX push_log_user ON push_log (user_id);
CREATE INDEX push_log_time ON push_log (push_time);
