#include "netherlink/errors.hpp"

#include <loft/json_writer.hpp>

#include "netherlink/fields.hpp"

namespace loft::netherlink {
namespace {

struct Row {
  std::string_view reason;
  Act act;  ///< any: whatever is done
  unsigned status;
  std::string_view text;
};

// Reasons first. The texts are those of the contract: clients compare them.
constexpr Row rows[] = {
    {"netherlink.frame", Act::any, 400, "无效的消息格式"},
    {"netherlink.login_first", Act::any, 401, "请先登录"},
    {"netherlink.login", Act::any, 400, "无效的登录信息"},
    {"netherlink.login_timeout", Act::any, 401, "登录超时"},
    {"netherlink.wrong_user", Act::any, 401, "认证失败"},
    {"netherlink.replaced", Act::any, 401, "账号在其他设备登录"},
    {"netherlink.type", Act::any, 400, "未知的消息类型"},
    {"netherlink.chat", Act::any, 400, "无效的聊天消息格式"},
    {"netherlink.missing", Act::any, 400, "缺少必要字段"},
    {"netherlink.chat_type", Act::any, 400, "暂不支持的消息类型"},
    {"netherlink.no_messages", Act::any, 400, "消息ID列表不能为空"},
    {"netherlink.too_many", Act::any, 413, "消息ID过多"},
    {"netherlink.parameters", Act::any, 400, "请求参数错误"},
    {"netherlink.no_credentials", Act::any, 401, "未提供认证信息"},
    {"netherlink.credentials", Act::any, 401, "认证格式错误"},
    {"netherlink.unknown_caller", Act::any, 401, "未授权"},
    {"http.400", Act::any, 400, "请求格式错误"},
    {"http.404", Act::any, 404, "接口不存在"},
    {"http.405", Act::any, 405, "请求方法不允许"},
    {"http.408", Act::any, 408, "请求超时"},
    {"http.413", Act::any, 413, "请求体过大"},
    {"http.414", Act::any, 414, "请求地址过长"},
    {"http.417", Act::any, 417, "不支持的Expect请求头"},
    {"http.426", Act::any, 426, "请使用WebSocket连接"},
    {"http.431", Act::any, 431, "请求头过大"},
    {"http.501", Act::any, 501, "不支持的传输编码"},
    {"http.503", Act::any, 503, "服务暂不可用，请稍后再试"},
    {"http.505", Act::any, 505, "不支持的HTTP版本"},
    {"user.unknown", Act::login, 401, "认证失败"},
    {"user.handle_invalid", Act::login, 401, "认证失败"},
    {"token.missing", Act::any, 401, "未提供认证信息"},
    {"token.malformed", Act::any, 401, "无效的token格式"},
    {"token.forged", Act::any, 401, "无效的token"},
    {"token.expired", Act::any, 401, "无效的token"},
    {"token.not_yet", Act::any, 401, "无效的token"},
    {"token.algorithm", Act::any, 401, "无效的token"},
    {"user.unknown", Act::any, 404, "用户不存在"},
    {"user.handle_invalid", Act::any, 404, "用户不存在"},
    {"conversation.unknown", Act::any, 404, "群聊不存在"},
    {"conversation.not_a_group", Act::any, 404, "群聊不存在"},
    {"conversation.read_only", Act::any, 403, "该会话不能发送消息"},
    {"member.none", Act::any, 403, "不是群成员"},
    {"member.muted", Act::any, 403, "已被禁言"},
    {"client_id.reused", Act::any, 409, "client_msg_id已用于其他消息"},
    {"domain.unknown", Act::any, 400, "暂不支持的消息类型"},
    {"domain.service_only", Act::any, 403, "不能发送系统消息"},
    {"content.invalid", Act::any, 400, "无效的聊天消息格式"},
    {"content.forbidden_word", Act::any, 403, "消息包含违禁词"},
    {"user.blocked", Act::any, 403, "对方拒绝接收你的消息"},
    {"content.too_large", Act::any, 413, "消息内容过长"},
    {"extras.too_large", Act::any, 413, "消息内容过长"},
};

// Then codes, in the order of `Code`.
struct CodeRow {
  unsigned status;
  std::string_view text;
  bool says_why;
};
constexpr CodeRow codes[] = {
    {400, "请求参数错误", true},               // invalid
    {401, "未授权", false},                    // unauthenticated
    {403, "没有权限", true},                   // forbidden
    {404, "不存在", false},                    // not_found
    {409, "操作冲突", true},                   // conflict
    {400, "已超过时限", true},                 // expired
    {413, "内容过大", true},                   // too_large
    {503, "服务繁忙，请稍后再试", false},      // overloaded
    {503, "服务暂不可用，请稍后再试", false},  // unavailable
    {500, "服务器内部错误", false},            // internal
};

// What the contract calls a failure that is not the caller's; empty: it has no word.
std::string_view failed(Act act) noexcept {
  switch (act) {
    case Act::query:
      return "查询失败";
    case Act::mark:
      return "标记失败";
    case Act::confirm:
      return "标记消息失败";
    case Act::clear:
      return "清理失败";
    case Act::any:
    case Act::login:
    case Act::chat:
      break;
  }
  return {};
}

std::string_view text_of(const CodeRow& row, Code code, Act act) noexcept {
  if (code == Code::unauthenticated && act == Act::login) return "认证失败";
  const auto own = failed(act);
  if (own.empty()) return row.text;
  if (code == Code::internal) return own;
  if (act == Act::confirm && (code == Code::unavailable || code == Code::overloaded)) return own;
  return code == Code::unavailable ? "数据库连接失败" : row.text;
}

}  // namespace

WireError wire_error(const Error& error, Act act) {
  // Whatever is wrong with a token, a login fails with one text.
  if (act == Act::login && error.reason.starts_with("token.")) return {401, "认证失败"};
  for (const auto& row : rows) {
    if (row.reason == error.reason && (row.act == Act::any || row.act == act))
      return {row.status, std::string(row.text)};
  }
  // A limit per user, set by the operator, is not the host's being busy.
  if (error.reason.starts_with("rate.")) return {429, "请求过于频繁，请稍后再试"};
  const auto& row = codes[static_cast<std::size_t>(error.code)];
  WireError out{row.status, std::string(text_of(row, error.code, act))};
  // A reason unknown here comes from a plugin that refused: it is meant for the client.
  if (row.says_why) {
    const auto& why = error.detail.empty() ? error.reason : error.detail;
    if (!why.empty()) out.text += "：" + why;
  }
  return out;
}

void append_error_payload(std::string& out, std::string_view text, std::string_view detail) {
  json::Writer writer(out);
  writer.object().key("message").string(text);
  if (!detail.empty()) writer.key("detail").string(detail);
  writer.end_object();
}

void append_error_body(std::string& out, const WireError& error, std::string_view detail) {
  json::Writer writer(out);
  writer.object().key("success").boolean(false);
  if (error.status == 401) writer.key("code").number(-1);
  writer.key("message").string(error.text);
  if (!detail.empty()) writer.key("detail").string(detail);
  writer.end_object();
}

namespace failure {

Error frame(std::string detail) { return {Code::invalid, "netherlink.frame", std::move(detail)}; }
Error login_first() { return {Code::unauthenticated, "netherlink.login_first", "the first frame must be a login"}; }
Error login_data(std::string detail) { return {Code::invalid, "netherlink.login", std::move(detail)}; }
Error login_timeout() { return {Code::unauthenticated, "netherlink.login_timeout", "no login came in time"}; }
Error wrong_user() { return {Code::unauthenticated, "netherlink.wrong_user", "the token belongs to another uid"}; }
Error token_expired() { return {Code::unauthenticated, "token.expired", "the session's token has expired"}; }
Error replaced() { return {Code::unauthenticated, "netherlink.replaced", "one session per user"}; }
Error unknown_type() { return {Code::invalid, "netherlink.type", "this host does not know the frame's type"}; }
Error chat_frame(std::string detail) { return {Code::invalid, "netherlink.chat", std::move(detail)}; }
Error field_missing(std::string detail) { return {Code::invalid, "netherlink.missing", std::move(detail)}; }
Error chat_type() { return {Code::invalid, "netherlink.chat_type", "type must be text, image, file or emoji"}; }
Error no_messages() { return {Code::invalid, "netherlink.no_messages", "message_ids must name a message"}; }
Error too_many_messages() {
  return {Code::too_large, "netherlink.too_many",
          "message_ids may hold " + std::to_string(max_message_ids) + " ids at most"};
}
Error parameters(std::string detail) { return {Code::invalid, "netherlink.parameters", std::move(detail)}; }
Error no_credentials() {
  return {Code::unauthenticated, "netherlink.no_credentials", "the header Authorization is missing"};
}
Error credentials_form() {
  return {Code::unauthenticated, "netherlink.credentials", "the header must read Authorization: Bearer <token>"};
}
Error unknown_caller() { return {Code::unauthenticated, "netherlink.unknown_caller", "the token's user is unknown"}; }

}  // namespace failure
}  // namespace loft::netherlink
