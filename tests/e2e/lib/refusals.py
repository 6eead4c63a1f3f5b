"""How each contract refuses what an operator's rules forbid, and how a message is sent that they may refuse."""

import json
import secrets

from .session import Http

# What a client hears, by the reason of the refusal: of each contract, and over HTTP where it can send there too.
REFUSED = {
    "netherlink": {
        "user.blocked": "对方拒绝接收你的消息",
        "content.forbidden_word": "消息包含违禁词",
        "rate.limited": "请求过于频繁，请稍后再试",
    },
    "flix": {
        "user.blocked": "blocked by the receiver",
        "content.forbidden_word": "message contains a forbidden word",
        "rate.limited": "too many requests, try again later",
    },
    "flix over HTTP": {
        "user.blocked": (403, {"success": False, "error": {"code": "forbidden", "message": "对方拒绝接收您的消息"}}),
        "content.forbidden_word": (403, {"success": False, "error": {"code": "forbidden", "message": "消息包含违禁词"}}),
        "rate.limited": (429, {"success": False, "error": {"code": "rate_limited", "message": "请求过于频繁，请稍后重试"}}),
    },
    "message_service": {
        "user.blocked": (403, {"code": 403, "message": "对方拒绝接收您的消息", "data": None}),
        "content.forbidden_word": (403, {"code": 403, "message": "消息包含违禁词", "data": None}),
        "rate.limited": (429, {"code": 429, "message": "请求过于频繁，请稍后重试", "data": None}),
    },
    "im": {
        "user.blocked": "Blocked by the receiver",
        "content.forbidden_word": "Message contains a forbidden word",
        "rate.limited": "Too many requests, try again later",
    },
    "im over HTTP": {
        "user.blocked": (403, {"error": "Blocked by the receiver"}),
        "content.forbidden_word": (403, {"error": "Message contains a forbidden word"}),
        "rate.limited": (429, {"error": "Too many requests, try again later"}),
    },
    "carrypigeon": {
        "user.blocked": (300, "you are blocked by this user"),
        "content.forbidden_word": (100, "message has a forbidden word"),
        "rate.limited": (300, "too many requests, try again later"),
    },
}
ATTEMPTS = {}


def bearer(account):
    return {"Authorization": f"Bearer {account['token']}"}


def words_of(refusal):
    """Status, code and text of a refusal, as they must stand in the page."""
    if isinstance(refusal, dict):
        return [word for key, value in refusal.items() if key not in ("data", "success") for word in words_of(value)]
    if isinstance(refusal, tuple):
        return [word for part in refusal for word in words_of(part)]
    return [str(refusal)]


def attempt(contract):
    """Marks the function that sends a text from ann to ben and returns what is heard of its refusal, as REFUSED has it."""
    def mark(function):
        ATTEMPTS[contract] = function
        return function
    return mark


@attempt("netherlink")
def _netherlink(two, text):
    two.ann.session.send_json({"type": "chat", "payload": {"to": two.ben_account["handle"], "content": text, "type": "text"}})
    answer = two.ann.session.find(lambda m: m["type"] in ("chat_response", "error"))
    return answer["payload"]["message"] if answer["type"] == "error" else answer


@attempt("flix")
def _flix(two, text):
    answer = two.ann.session.request("send_message", {
        "client_message_id": secrets.token_hex(8), "conversation_id": two.ann.private_place(two.ben_account),
        "content": {"text": text}, "message_type": "private_message", "content_type": "text",
        "client_timestamp": "2025-04-10T10:30:00.000Z"})
    return answer["response"]["reason"] if answer["status"] == "error" else answer


@attempt("flix over HTTP")
def _flix_http(two, text):
    body = {"receiver_id": two.ben_account["uuid"], "content": {"text": text}, "message_type": "private_message",
            "content_type": "text"}
    return Http(two.ann.base).call("POST", "/api/v1/messages", bearer(two.ann_account), json.dumps(body).encode())


@attempt("message_service")
def _message_service(two, text):
    body = {"receiverId": two.ben_account["uid"], "content": text, "messageType": "TEXT", "clientMsgId": secrets.token_hex(8)}
    return Http(two.ann.base).call("POST", "/api/v1/messages/private", bearer(two.ann_account), json.dumps(body).encode())


@attempt("im")
def _im(two, text):
    two.ann.session.send_json({"type": "send_message", "timestamp": 1, "data": {
        "receiver_id": two.ben_account["handle"], "type": "text", "content": text}})
    answer = two.ann.session.find(lambda m: m["type"] in ("send_message", "error"))
    return answer["data"]["error"] if answer["type"] == "error" else answer


@attempt("im over HTTP")
def _im_http(two, text):
    body = {"receiver_id": two.ben_account["handle"], "type": "text", "content": text}
    return Http(two.ann.base).call("POST", "/api/v1/messages", {"X-User-ID": two.ann_account["handle"]},
                                   json.dumps(body).encode())


@attempt("carrypigeon")
def _carrypigeon(two, text):
    answer = two.ann.session.request("/core/channel/message/create", {
        "cid": two.ann.private_place(two.ben_account), "domain": "Core:Text", "data": {"text": text}})
    return (answer["code"], answer["data"]["msg"]) if answer["code"] != 200 else answer
