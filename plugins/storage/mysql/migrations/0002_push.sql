-- What is owed to users who are away, and where they can be reached. Every statement may run again after a start that was
-- cut short; an index that is there is left alone.

-- One message owed to one user. state is PushState: 0 is owed. A lease is NULL in both columns when nobody has it;
-- finished is 0 while it is owed.
CREATE TABLE IF NOT EXISTS push_queue (
  message_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  created BIGINT NOT NULL,
  due BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  leased_by BIGINT,
  leased_until BIGINT,
  attempts BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  reason LONGTEXT NOT NULL,
  plan LONGTEXT NOT NULL,
  PRIMARY KEY (message_id, user_id),
  KEY push_queue_user (user_id, message_id),
  KEY push_queue_state (state, message_id, user_id),
  KEY push_queue_due (state, due, message_id, user_id),
  KEY push_queue_lease (leased_until),
  KEY push_queue_finished (finished)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  registered BIGINT NOT NULL,
  last_success BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  channel VARBINARY(255) NOT NULL,
  token LONGTEXT NOT NULL,
  platform LONGTEXT NOT NULL,
  client LONGTEXT NOT NULL,
  app LONGTEXT NOT NULL,
  locale LONGTEXT NOT NULL,
  failure LONGTEXT NOT NULL,
  token_key BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(token, 256))) STORED,
  UNIQUE KEY device_token (channel, token_key),
  KEY device_user (user_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A handle may be longer than contract 000 says, and so may the name of a channel. A TIMESTAMP of MySQL ends in 2038 and
-- has whole seconds.
ALTER TABLE push_log MODIFY user_id LONGTEXT NOT NULL, MODIFY push_type LONGTEXT, MODIFY push_status LONGTEXT,
  MODIFY push_time DATETIME(3) NULL, MODIFY error_msg LONGTEXT;
CREATE INDEX push_log_message ON push_log (message_id);
CREATE INDEX push_log_user ON push_log (user_id(50));
CREATE INDEX push_log_time ON push_log (push_time);
