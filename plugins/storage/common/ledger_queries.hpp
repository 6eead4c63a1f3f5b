// The statements of the push ledger, see queries.hpp, which they are a part of.
#pragma once

#include <array>
#include <string_view>

namespace loft::storage {

#define LOFT_PUSH_COLUMNS \
  "message_id, user_id, conversation_id, state, attempts, created, due, expires, finished, reason, plan"
#define LOFT_PUSH_VALUES \
  ":message, :user, :conversation, :state, :attempts, :created, :due, :expires, :finished, :reason, :plan"
#define LOFT_DEVICE_COLUMNS \
  "id, user_id, channel, token, platform, client, app, locale, registered, last_success, failed, failure"
// Milliseconds since 1970, from a time that is written as text, of which others may have written the fraction or not.
#define LOFT_ATTEMPT_COLUMNS                                                                                         \
  "id, user_id, message_id, push_type, push_status, error_msg, CAST(strftime('%s', push_time) AS INTEGER) * 1000 + " \
  "CAST(substr(strftime('%f', push_time), 4) AS INTEGER)"
#define LOFT_TIME_OF(name) "strftime('%Y-%m-%d %H:%M:%f', " name " / 1000.0, 'unixepoch')"
#define LOFT_FREE_PUSHES                                                          \
  "state = 0 AND due <= :now AND (leased_until IS NULL OR leased_until <= :now) " \
  "ORDER BY due, message_id, user_id LIMIT :limit"

/// In the order of `Query`, from `first_of_ledger` on.
inline constexpr std::array ledger_texts = {
    // owe_push; one that is there is left alone, which the number of changes tells
    std::string_view("INSERT INTO push_queue (" LOFT_PUSH_COLUMNS ") VALUES (" LOFT_PUSH_VALUES
                     ") ON CONFLICT DO NOTHING"),
    // lease_pushes
    std::string_view("UPDATE push_queue SET leased_by = :holder, leased_until = :until WHERE (message_id, user_id) IN "
                     "(SELECT message_id, user_id FROM push_queue WHERE " LOFT_FREE_PUSHES
                     ") RETURNING " LOFT_PUSH_COLUMNS),
    // take_lease: of one that lease_pushes has locked, where it cannot do all at once
    std::string_view("UPDATE push_queue SET leased_by = :holder, leased_until = :until WHERE message_id = :message "
                     "AND user_id = :user"),
    // settle_push
    std::string_view("UPDATE push_queue SET conversation_id = :conversation, state = :state, attempts = :attempts, "
                     "created = :created, due = :due, expires = :expires, finished = :finished, reason = :reason, "
                     "plan = :plan, leased_by = NULL, leased_until = NULL "
                     "WHERE message_id = :message AND user_id = :user AND leased_by = :holder"),
    // revive_push; 2 and 3 are silenced and dead
    std::string_view("UPDATE push_queue SET state = 0, attempts = 0, due = :due, expires = :expires, finished = 0, "
                     "reason = '', plan = :plan, leased_by = NULL, leased_until = NULL "
                     "WHERE message_id = :message AND user_id = :user AND state IN (2, 3)"),
    // forget_pushes
    std::string_view("DELETE FROM push_queue WHERE (message_id, user_id) IN (SELECT message_id, user_id "
                     "FROM push_queue WHERE finished > 0 AND finished < :before ORDER BY finished LIMIT :limit)"),
    // forget_attempts; a second that others wrote without its fraction is not before itself
    std::string_view("DELETE FROM push_log WHERE id IN (SELECT id FROM push_log WHERE push_time < "
                     "replace(" LOFT_TIME_OF(":before") ", '.000', '') ORDER BY push_time LIMIT :limit)"),
    // put_attempt
    std::string_view("INSERT INTO push_log (user_id, message_id, push_type, push_status, error_msg, push_time) "
                     "VALUES (:handle, :message, :type, :status, nullif(:error, ''), " LOFT_TIME_OF(":time") ")"),
    // erase_pushes, erase_devices, erase_attempts
    std::string_view("DELETE FROM push_queue WHERE user_id = :user"),
    std::string_view("DELETE FROM device WHERE user_id = :user"),
    std::string_view("DELETE FROM push_log WHERE user_id = :handle"),
    // put_device; its id stays when its token was there
    std::string_view("INSERT INTO device (user_id, channel, token, platform, client, app, locale, registered, "
                     "last_success, failed, failure) "
                     "VALUES (:user, :channel, :token, :platform, :client, :app, :locale, :registered, 0, 0, '') "
                     "ON CONFLICT (channel, token) DO UPDATE SET user_id = excluded.user_id, "
                     "platform = excluded.platform, client = excluded.client, app = excluded.app, "
                     "locale = excluded.locale, registered = excluded.registered, last_success = 0, failed = 0, "
                     "failure = ''"),
    // device_worked, device_failed, device_died
    std::string_view("UPDATE device SET last_success = :time, failed = 0, failure = '' WHERE id = :id"),
    std::string_view("UPDATE device SET failed = :time, failure = :reason WHERE id = :id"),
    std::string_view("DELETE FROM device WHERE id = :id AND (:since = 0 OR registered < :since)"),
    // remove_device; of user 0: of whomever
    std::string_view("DELETE FROM device WHERE channel = :channel AND token = :token "
                     "AND (:user = 0 OR user_id = :user)"),
    // restore_push, restore_attempt, restore_device; then raise_attempt_ids, raise_device_ids: what comes next is above
    std::string_view("INSERT OR REPLACE INTO push_queue (" LOFT_PUSH_COLUMNS ") VALUES (" LOFT_PUSH_VALUES ")"),
    std::string_view(
        "INSERT OR REPLACE INTO push_log (id, user_id, message_id, push_type, push_status, error_msg, "
        "push_time) VALUES (:id, :handle, :message, :type, :status, nullif(:error, ''), " LOFT_TIME_OF(":time") ")"),
    std::string_view("INSERT OR REPLACE INTO device (" LOFT_DEVICE_COLUMNS ") VALUES (:id, :user, :channel, :token, "
                     ":platform, :client, :app, :locale, :registered, :success, :failed, :failure)"),
    std::string_view("SELECT max(id) FROM push_log"),
    std::string_view("SELECT max(id) FROM device"),

    // next_due: of those that nobody leases the first, of the leased ones, which are few, whichever ends first
    std::string_view("SELECT min(ready) FROM (SELECT (SELECT due FROM push_queue WHERE state = 0 "
                     "AND leased_until IS NULL ORDER BY due, message_id, user_id LIMIT 1) AS ready UNION ALL "
                     "SELECT min(CASE WHEN leased_until > due THEN leased_until ELSE due END) FROM push_queue "
                     "WHERE leased_until IS NOT NULL) soonest"),
    // push
    std::string_view("SELECT " LOFT_PUSH_COLUMNS " FROM push_queue WHERE message_id = :message AND user_id = :user"),
    // pushes, pushes_of_state
    std::string_view("SELECT " LOFT_PUSH_COLUMNS " FROM push_queue WHERE (message_id, user_id) > (:message, :user) "
                     "ORDER BY message_id, user_id LIMIT :limit"),
    std::string_view("SELECT " LOFT_PUSH_COLUMNS
                     " FROM push_queue WHERE state = :state AND (message_id, user_id) > (:message, :user) "
                     "ORDER BY message_id, user_id LIMIT :limit"),
    // pushes_of_user
    std::string_view("SELECT " LOFT_PUSH_COLUMNS " FROM push_queue WHERE user_id = :user AND message_id > :message "
                     "ORDER BY message_id LIMIT :limit"),
    // push_counts: from an index alone, and of no state that only grows
    std::string_view("SELECT (SELECT count(*) FROM (SELECT 1 FROM push_queue WHERE state = 0 LIMIT :most) counted), "
                     "(SELECT count(*) FROM (SELECT 1 FROM push_queue WHERE state = 3 LIMIT :most) counted)"),
    // attempts_of
    std::string_view("SELECT " LOFT_ATTEMPT_COLUMNS
                     " FROM push_log WHERE message_id = :message AND user_id = :handle AND id > :after ORDER BY id "
                     "LIMIT :limit"),
    // attempts
    std::string_view("SELECT " LOFT_ATTEMPT_COLUMNS " FROM push_log WHERE id > :after ORDER BY id LIMIT :limit"),
    // devices_of: of a JSON array of users
    std::string_view("SELECT " LOFT_DEVICE_COLUMNS
                     " FROM device WHERE user_id IN (SELECT value FROM json_each(:users)) "
                     "ORDER BY id"),
    // devices
    std::string_view("SELECT " LOFT_DEVICE_COLUMNS " FROM device WHERE id > :after ORDER BY id LIMIT :limit"),
    // device_of_token
    std::string_view("SELECT id FROM device WHERE channel = :channel AND token = :token"),
};

#undef LOFT_PUSH_VALUES
#undef LOFT_TIME_OF
#undef LOFT_ATTEMPT_COLUMNS
#undef LOFT_FREE_PUSHES
#undef LOFT_PUSH_COLUMNS
#undef LOFT_DEVICE_COLUMNS

}  // namespace loft::storage
