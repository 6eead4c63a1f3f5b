-- How many messages each sender has in each 256 seqs of a log, written when the last of them is. Counts of what others
-- wrote take off what is somebody's own, and need not look at each message for that.
CREATE TABLE sent_count (
  conversation_id BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  upto BIGINT NOT NULL,
  sent INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, sender_id, upto)
) WITHOUT ROWID;

INSERT INTO sent_count (conversation_id, sender_id, upto, sent)
SELECT m.conversation_id, m.sender_id, (m.seq + 255) / 256 * 256, count(*)
FROM message m JOIN conversation c ON c.id = m.conversation_id
WHERE m.seq <= c.head / 256 * 256
GROUP BY 1, 2, 3;
