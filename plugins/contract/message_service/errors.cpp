#include "errors.hpp"

namespace loft::message_service {
namespace {

struct Row {
  std::string_view reason;
  unsigned code;
  std::string_view text;
  bool with_detail = false;  ///< the detail says which field or limit it is; without a text it is the whole message
};

// Reasons first.
constexpr Row rows[] = {
    {"message_service.field", 400, "", true},
    {"message_service.body", 400, "请求体必须是 JSON 对象", true},
    {"message_service.no_token", 401, "未提供Token"},
    {"message_service.stranger", 401, "Token无效或过期"},
    {"message_service.recalled", 400, "消息已撤回，无法转发"},
    {"message_service.recall_too_late", 400, "", true},
    {"message_service.inviter", 403, "inviterId 必须是当前用户"},
    {"http.400", 400, "请求格式错误"},
    {"http.404", 404, "接口不存在"},
    {"http.405", 405, "请求方法不允许"},
    {"http.408", 408, "请求超时"},
    {"http.413", 413, "请求体过大"},
    {"http.414", 414, "请求地址过长"},
    {"http.417", 417, "不支持的 Expect 请求头"},
    {"http.426", 426, "不支持该连接方式"},
    {"http.431", 431, "请求头过大"},
    {"http.501", 501, "不支持的传输编码"},
    {"http.503", 503, "服务暂不可用，请稍后重试"},
    {"http.505", 505, "不支持的 HTTP 版本"},
    {"token.missing", 401, "未提供Token"},
    {"token.malformed", 401, "Token无效或过期"},
    {"token.forged", 401, "Token无效或过期"},
    {"token.expired", 401, "Token无效或过期"},
    {"token.not_yet", 401, "Token无效或过期"},
    {"token.algorithm", 401, "Token无效或过期"},
    {"user.unknown", 404, "用户不存在"},
    {"user.handle_invalid", 400, "用户标识无效"},
    {"message.unknown", 404, "消息不存在"},
    {"conversation.unknown", 404, "群组不存在"},
    {"conversation.not_a_group", 404, "群组不存在"},
    {"conversation.read_only", 403, "该会话不允许发送消息"},
    {"conversation.handle_taken", 409, "群组已存在"},
    {"conversation.too_many_members", 400, "群成员数量超过上限"},
    {"conversation.too_few", 400, "maxMembers 不能小于当前成员数"},
    {"member.none", 403, "您不是该群成员"},
    {"member.unknown", 404, "该用户不是群成员"},
    {"member.already", 409, "该用户已是群成员"},
    {"member.owner_stays", 409, "群主不能退出群组"},
    {"member.muted", 403, "您已被禁言"},
    {"role.required", 403, "没有权限执行该操作"},
    {"role.invalid", 400, "角色无效"},
    {"join.not_free", 403, "该群组不允许自由加入"},
    {"recall.not_yours", 403, "只能撤回自己发送的消息"},
    {"recall.expired", 400, "超过2分钟，无法撤回"},
    {"client_id.reused", 409, "clientMsgId 已用于其他消息"},
    {"client_id.too_long", 400, "clientMsgId 不能超过 128 字节"},
    {"domain.unknown", 400, "不支持的消息类型"},
    {"domain.service_only", 400, "普通用户不能发送 SYSTEM 消息"},
    {"content.invalid", 400, "消息内容无效", true},
    {"content.too_large", 413, "消息内容过大"},
    {"content.forbidden_word", 403, "消息包含违禁词"},
    {"user.blocked", 403, "对方拒绝接收您的消息"},
    {"rate.limited", 429, "请求过于频繁，请稍后重试"},
    {"recall.reason_too_long", 400, "reason 不能超过 1024 字节"},
    {"extras.too_large", 413, "消息附加信息过大"},
    // The host itself is full; who is told 429 has asked too often.
    {"queue.full", 503, "服务繁忙，请稍后重试"},
    {"pool.full", 503, "服务繁忙，请稍后重试"},
};

// Then codes, in the order of `Code`. What is not the caller's fault says nothing about the host.
struct CodeRow {
  unsigned code;
  std::string_view text;
  bool says_why;
};
constexpr CodeRow codes[] = {
    {400, "请求参数错误", true},               // invalid
    {401, "Token无效或过期", false},           // unauthenticated
    {403, "没有权限", true},                   // forbidden
    {404, "资源不存在", false},                // not_found
    {409, "操作冲突", true},                   // conflict
    {400, "操作已超过时限", true},             // expired
    {413, "请求内容过大", true},               // too_large
    {429, "请求过于频繁，请稍后重试", false},  // overloaded
    {503, "服务暂不可用，请稍后重试", false},  // unavailable
    {500, "服务器内部错误", false},            // internal
};

std::string joined(std::string_view text, std::string_view why) {
  std::string out(text);
  if (!out.empty() && !why.empty()) out += "：";
  out += why;
  return out;
}

Error own(Code code, const char* reason, std::string detail = {}) { return {code, reason, std::move(detail)}; }

}  // namespace

WireError wire_error(const Error& error) {
  for (const auto& row : rows) {
    if (row.reason != error.reason) continue;
    return {row.code, joined(row.text, row.with_detail ? error.detail : std::string_view())};
  }
  const auto& row = codes[static_cast<std::size_t>(error.code)];
  // A reason unknown here comes from a plugin that refused: the reason is meant for the client.
  if (!row.says_why) return {row.code, std::string(row.text)};
  return {row.code, joined(row.text, error.detail.empty() ? error.reason : error.detail)};
}

namespace failure {

Error field(std::string text) { return own(Code::invalid, "message_service.field", std::move(text)); }
Error malformed_body(const std::string& where) { return own(Code::invalid, "message_service.body", where); }
Error no_token() { return own(Code::unauthenticated, "message_service.no_token"); }
Error stranger() { return own(Code::unauthenticated, "message_service.stranger"); }
Error recalled() { return own(Code::invalid, "message_service.recalled"); }
Error no_message() { return own(Code::not_found, "message.unknown"); }
Error not_the_inviter() { return own(Code::forbidden, "message_service.inviter"); }

Error recall_too_late(Millis window) {
  const auto text = window % 60'000 == 0 ? std::to_string(window / 60'000) + "分钟"
                    : window % 1000 == 0 ? std::to_string(window / 1000) + "秒"
                                         : std::to_string(window) + "毫秒";
  return own(Code::expired, "message_service.recall_too_late", "超过" + text + "，无法撤回");
}

}  // namespace failure
}  // namespace loft::message_service
