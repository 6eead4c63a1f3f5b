#include "errors.hpp"

#include <loft/json.hpp>

namespace loft::flix {
namespace {

struct Row {
  std::string_view reason;
  Act act;
  unsigned status;
  std::string_view code;     ///< of the HTTP body
  std::string_view message;  ///< of the HTTP body; empty: the detail
  std::string_view channel;  ///< the reason on a channel; empty: the detail
};

constexpr std::string_view bad_request = "bad_request", unauthorized = "unauthorized", forbidden = "forbidden",
                           not_found = "not_found", conflict = "conflict", too_large = "payload_too_large",
                           no_service = "service_unavailable";

// Reasons first. Texts are fixed: clients compare them.
constexpr Row rows[] = {
    {"flix.missing", Act::any, 400, bad_request, "缺少必要参数", "missing required parameters"},
    {"flix.parameter", Act::any, 400, bad_request, "", ""},
    {"flix.message_id", Act::any, 400, bad_request, "无效的消息 ID 格式", "invalid message id"},
    {"flix.timestamp", Act::any, 400, bad_request, "无效的时间戳格式", "invalid timestamp"},
    {"flix.body", Act::any, 400, bad_request, "", ""},
    {"flix.message_type", Act::any, 403, forbidden, "用户只能发送 private_message 类型的消息", "unauthorized"},
    {"flix.not_service", Act::any, 403, forbidden, "仅限服务令牌调用", "unauthorized"},
    {"flix.wrong_user", Act::any, 403, forbidden, "无权同步其他用户的消息", "unauthorized"},
    {"flix.conversation_type", Act::any, 400, bad_request, "无效的会话类型", "invalid conversation type"},
    {"flix.event", Act::any, 400, bad_request, "未知事件", "unknown event"},
    {"flix.topic", Act::any, 403, forbidden, "", ""},
    {"flix.socket_method", Act::any, 400, bad_request, "WebSocket 连接只能用 GET 建立", "bad request"},
    {"http.400", Act::any, 400, bad_request, "请求格式错误", "bad request"},
    {"http.404", Act::any, 404, not_found, "接口不存在", "not found"},
    {"http.405", Act::any, 405, "method_not_allowed", "不支持的请求方法", "not found"},
    {"http.408", Act::any, 408, "request_timeout", "请求超时", "timeout"},
    {"http.413", Act::any, 413, too_large, "请求体过大", "too large"},
    {"http.414", Act::any, 414, "uri_too_long", "请求地址过长", "too large"},
    {"http.417", Act::any, 417, "expectation_failed", "不支持的 Expect 请求头", "bad request"},
    {"http.426", Act::any, 426, "upgrade_required", "请使用 WebSocket 连接", "bad request"},
    {"http.431", Act::any, 431, "request_header_fields_too_large", "请求头过大", "too large"},
    {"http.501", Act::any, 501, "not_implemented", "不支持的传输编码", "bad request"},
    {"http.503", Act::any, 503, no_service, "服务暂不可用，请稍后重试", "unavailable, try again later"},
    {"http.505", Act::any, 505, "http_version_not_supported", "不支持的 HTTP 版本", "bad request"},
    {"token.missing", Act::any, 401, unauthorized, "未提供认证令牌", "unauthorized"},
    {"token.expired", Act::any, 401, unauthorized, "认证令牌已过期", "invalid token"},
    {"token.malformed", Act::any, 401, unauthorized, "认证令牌无效", "invalid token"},
    {"token.forged", Act::any, 401, unauthorized, "认证令牌无效", "invalid token"},
    {"token.not_yet", Act::any, 401, unauthorized, "认证令牌无效", "invalid token"},
    {"token.algorithm", Act::any, 401, unauthorized, "认证令牌无效", "invalid token"},
    {"user.unknown", Act::join, 401, unauthorized, "用户不存在", "unauthorized"},
    {"user.unknown", Act::create, 404, not_found, "用户不存在", "participant not found"},
    {"user.unknown", Act::any, 404, not_found, "用户不存在", "conversation not found"},
    {"user.handle_invalid", Act::any, 400, bad_request, "无效的用户 ID 格式", "invalid user id"},
    {"message.unknown", Act::any, 404, not_found, "消息未找到", "message not found"},
    {"recall.not_yours", Act::any, 403, forbidden, "您无权修改此消息", "message not found"},
    {"recall.expired", Act::any, 403, forbidden, "消息已超过撤回时限", "cannot withdraw message after time limit"},
    {"mark.own_message", Act::hide, 403, forbidden, "您无权删除此消息", "unauthorized"},
    {"mark.own_message", Act::any, 403, forbidden, "您无权修改此消息", "unauthorized"},
    {"conversation.unknown", Act::any, 404, not_found, "会话未找到", "conversation not found"},
    {"conversation.read_only", Act::any, 403, forbidden, "该会话不允许发送消息", "unauthorized"},
    {"domain.service_only", Act::any, 403, forbidden, "用户不能发送系统消息", "unauthorized"},
    {"conversation.too_many_members", Act::any, 413, too_large, "会话成员过多", "too many participants"},
    {"member.none", Act::any, 403, forbidden, "您不是该会话的成员", "unauthorized"},
    {"member.muted", Act::any, 403, forbidden, "您已被禁言", "muted in this conversation"},
    {"client_id.reused", Act::any, 409, conflict, "client_message_id 已用于其他消息",
     "client_message_id was used before"},
    {"content.too_large", Act::any, 413, too_large, "消息内容过大", "content too large"},
    {"extras.too_large", Act::any, 413, too_large, "消息附加信息过大", "content too large"},
    {"content.forbidden_word", Act::any, 403, forbidden, "消息包含违禁词", "message contains a forbidden word"},
    {"user.blocked", Act::any, 403, forbidden, "对方拒绝接收您的消息", "blocked by the receiver"},
    {"rate.limited", Act::any, 429, "rate_limited", "请求过于频繁，请稍后重试", "too many requests, try again later"},
};

// Then codes, in the order of `Code`. What is not the caller's fault says nothing about the host.
struct CodeRow {
  unsigned status;
  std::string_view code;
  std::string_view message;
  std::string_view channel;
  bool says_why;
};
constexpr CodeRow codes[] = {
    {400, bad_request, "请求无效", "bad request", true},                                   // invalid
    {401, unauthorized, "未认证", "unauthorized", false},                                  // unauthenticated
    {403, forbidden, "无权执行此操作", "unauthorized", true},                              // forbidden
    {404, not_found, "未找到", "not found", false},                                        // not_found
    {409, conflict, "请求冲突", "conflict", true},                                         // conflict
    {403, forbidden, "已超过时限", "too late", true},                                      // expired
    {413, too_large, "请求过大", "too large", true},                                       // too_large
    {503, no_service, "服务繁忙，请稍后重试", "overloaded, try again later", false},       // overloaded
    {503, no_service, "服务暂不可用，请稍后重试", "unavailable, try again later", false},  // unavailable
    {500, "internal_server_error", "服务器内部错误", "internal server error", false},      // internal
};

const Row* find(const Error& error, Act act) noexcept {
  for (const auto& row : rows) {
    if (row.reason == error.reason && (row.act == Act::any || row.act == act)) return &row;
  }
  return nullptr;
}

/// What is wrong with which field, where a failure is a validation's.
bool is_validation(const Error& error, std::string_view& field, std::string_view& what) noexcept {
  what = error.detail;
  if (error.reason == "content.invalid") {
    field = "content";
  } else if (error.reason == "domain.unknown") {
    field = "content_type";
    what = "is not supported by this server";
  } else if (error.reason == "flix.field") {
    const auto blank = what.find(' ');
    field = what.substr(0, blank);
    what = what.substr(blank + 1);
  } else {
    return false;
  }
  return true;
}

/// The field's name as a literal, so that a WireError may outlive the failure.
std::string_view literal(std::string_view field) noexcept {
  for (const std::string_view name :
       {"content", "content_type", "receiver_id", "conversation_id", "client_message_id", "client_timestamp",
        "reference_id", "message_type", "message_ids", "participant_ids", "name"}) {
    if (name == field) return name;
  }
  return "base";
}

/// A reason unknown here comes from a plugin that refused: it is meant for the client.
std::string_view why(const Error& error) noexcept { return error.detail.empty() ? error.reason : error.detail; }

}  // namespace

WireError wire_error(const Error& error, Act act) {
  std::string_view field, what;
  if (is_validation(error, field, what)) return {422, {}, std::string(what), literal(field)};
  if (const auto* row = find(error, act)) {
    return {
        row->status, row->code, std::string(row->message.empty() ? std::string_view(error.detail) : row->message), {}};
  }
  const auto& row = codes[static_cast<std::size_t>(error.code)];
  std::string message(row.message);
  if (row.says_why) message.append("：").append(why(error));
  return {row.status, row.code, std::move(message), {}};
}

void append_body(std::string& out, const WireError& error) {
  json::Writer w(out);
  w.object().key("success").boolean(false);
  if (!error.field.empty()) {
    w.key("message").string("验证错误").key("errors").object().key(error.field).array().string(error.message);
    w.end_array().end_object();
  } else {
    w.key("error").object().key("code").string(error.code).key("message").string(error.message).end_object();
  }
  w.end_object();
}

void append_response(std::string& out, const Error& error, Act act) {
  json::Writer w(out);
  std::string_view field, what;
  if (is_validation(error, field, what)) {
    w.object().key("errors").object().key(literal(field)).array().string(what).end_array().end_object().end_object();
    return;
  }
  w.object().key("reason");
  if (const auto* row = find(error, act)) {
    w.string(row->channel.empty() ? std::string_view(error.detail) : row->channel);
  } else {
    const auto& code = codes[static_cast<std::size_t>(error.code)];
    w.string(code.says_why ? why(error) : code.channel);
  }
  w.end_object();
}

namespace failure {

Error missing() { return {Code::invalid, "flix.missing", {}}; }
Error field(std::string_view name, std::string_view what) {
  return {Code::invalid, "flix.field", std::string(name).append(" ").append(what)};
}
Error blank(std::string_view name) { return field(name, "can't be blank"); }
Error parameter(std::string text) { return {Code::invalid, "flix.parameter", std::move(text)}; }
Error message_id() { return {Code::invalid, "flix.message_id", {}}; }
Error timestamp() { return {Code::invalid, "flix.timestamp", {}}; }
Error body(const std::string& where) { return {Code::invalid, "flix.body", "请求体必须是 JSON 对象：" + where}; }
Error message_type() { return {Code::forbidden, "flix.message_type", {}}; }
Error not_service() { return {Code::forbidden, "flix.not_service", {}}; }
Error wrong_user() { return {Code::forbidden, "flix.wrong_user", {}}; }
Error conversation_type() { return {Code::invalid, "flix.conversation_type", {}}; }
Error unknown_event() { return {Code::invalid, "flix.event", {}}; }
Error no_token() { return {Code::unauthenticated, "token.missing", {}}; }
Error wrong_topic(std::string_view topic) {
  return {Code::forbidden, "flix.topic", "Invalid Join Attempt, channel: " + std::string(topic)};
}
Error socket_method() { return {Code::invalid, "flix.socket_method", {}}; }

}  // namespace failure
}  // namespace loft::flix
