#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {
const std::string unreadable = R"({"id":-1,"code":100,"data":{"msg":"invalid request args"}})";
}

TEST_CASE("text that is no packet is answered with id -1 and code 100") {
  Dialogue d;
  for (const auto* packet : {"", "{", "nonsense", "[]", "7", "null", R"("text")", R"({"id":1,"route":"x"} x)",
                             "{\"id\":1,\"route\":\"\xff\"}", "{\"id\":1,\"route\":\"a\nb\"}"}) {
    INFO(packet);
    CHECK(d.ask(packet) == unreadable);
  }
}

TEST_CASE("a packet nested deeper than any content may be is refused") {
  Dialogue d;
  const std::string deep = R"({"id":1,"route":"/core/channel/list","data":)" + std::string(5000, '[');
  CHECK(d.ask(deep) == unreadable);
  CHECK(d.ask(deep + std::string(5000, ']') + "}") == unreadable);
}

TEST_CASE("an id that is missing or no integer leaves nothing to echo") {
  Dialogue d;
  for (const auto* packet :
       {"{}", R"({"route":"/core/channel/list"})", R"({"id":null,"route":"/core/channel/list"})",
        R"({"id":1.5,"route":"/core/channel/list"})", R"({"id":"x","route":"/core/channel/list"})",
        R"({"id":9223372036854775808,"route":"/core/channel/list"})", R"({"id":true,"route":"/core/channel/list"})"}) {
    INFO(packet);
    CHECK(d.ask(packet) == unreadable);
  }
  CHECK(d.calls() == 0);
}

TEST_CASE("an unknown route is code 404 with the request's id") {
  Dialogue d;
  CHECK(d.ask(R"({"id":5,"route":"/core/nothing","data":{}})") ==
        R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":5})") == R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":5,"route":7})") == R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":5,"route":"//core/channel/list"})") ==
        R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":5,"route":""})") == R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.calls() == 0);
}

TEST_CASE("an unknown route is 404 before login too") {
  Dialogue d(Dialogue::Begin::stranger);
  CHECK(d.ask(R"({"id":5,"route":"/core/nothing"})") == R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
}

TEST_CASE("ids are echoed exactly, whatever their size, sign and spelling") {
  Dialogue d;
  CHECK(d.ask(R"({"id":9223372036854775807,"route":"/x"})") ==
        R"({"id":9223372036854775807,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":-2,"route":"/x"})") == R"({"id":-2,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":0,"route":"/x"})") == R"({"id":0,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":"17","route":"/x"})") == R"({"id":17,"code":404,"data":{"msg":"route not found"}})");
  CHECK(d.ask(R"({"id":3,"id":4,"route":"/x"})") == R"({"id":3,"code":404,"data":{"msg":"route not found"}})");
}

TEST_CASE("a route may lack its leading slash and may be written with escapes") {
  Dialogue d;
  d.say(R"({"id":1,"route":"core/channel/list","data":{}})");
  d.say(R"({"id":2,"route":"\/core\/channel\/list","data":{}})");
  d.say(R"({"rou\u0074e":"/core/channel/list","id":3})");
  REQUIRE(d.messaging().lists.calls.size() == 3);
  while (d.messaging().lists.answer(std::vector<ConversationRecord>{})) continue;
  CHECK(d.heard() ==
        "{\"id\":1,\"code\":200,\"data\":{\"count\":0,\"channels\":[]}}\n"
        "{\"id\":2,\"code\":200,\"data\":{\"count\":0,\"channels\":[]}}\n"
        "{\"id\":3,\"code\":200,\"data\":{\"count\":0,\"channels\":[]}}");
}

TEST_CASE("data that is no object is refused; without data a route that needs none is served") {
  Dialogue d;
  for (const auto* data : {"[]", "7", "\"{}\"", "true"}) {
    INFO(data);
    CHECK(d.ask(std::string(R"({"id":1,"route":"/core/channel/list","data":)") + data + "}") ==
          R"({"id":1,"code":100,"data":{"msg":"invalid request args"}})");
  }
  d.say(R"({"id":2,"route":"/core/channel/list","data":null})");
  CHECK(d.messaging().lists.calls.size() == 1);
}

TEST_CASE("a request with id -1 is carried out and never answered") {
  Dialogue d;
  d.say(
      R"({"id":-1,"route":"/core/channel/message/create","data":{"cid":5,"domain":"Core:Text","data":{"text":"a"}}})");
  REQUIRE(d.messaging().submits.calls.size() == 1);
  d.messaging().submits.answer(Accepted{std::make_shared<const MessageRecord>(message(noon_id, "{}")), false});
  d.say(R"({"id":-1,"route":"/core/channel/message/delete","data":{"mid":1}})");
  REQUIRE(d.messaging().recalls.calls.size() == 1);
  d.messaging().recalls.answer(Recalled{message(noon_id, "{}"), false});
  d.say(R"({"id":-1,"route":"/core/nothing"})");
  d.say(R"({"id":-1,"route":"/core/channel/message/delete","data":{}})");
  CHECK(d.heard().empty());
}

TEST_CASE("each route but the login asks for one") {
  Dialogue d(Dialogue::Begin::stranger);
  for (const auto* route : {"core/channel/admin/create",
                            "core/channel/admin/delete",
                            "core/channel/application/create",
                            "core/channel/application/list",
                            "core/channel/application/process",
                            "core/channel/ban/create",
                            "core/channel/ban/delete",
                            "core/channel/ban/list",
                            "core/channel/create",
                            "core/channel/delete",
                            "core/channel/list",
                            "core/channel/member/delete",
                            "core/channel/member/get",
                            "core/channel/member/list",
                            "core/channel/message/create",
                            "core/channel/message/delete",
                            "core/channel/message/get",
                            "core/channel/message/list",
                            "core/channel/message/read/state/get",
                            "core/channel/message/read/state/update",
                            "core/channel/message/unread/get",
                            "core/channel/profile/get",
                            "core/channel/profile/update",
                            "core/user/profile/get",
                            "core/user/profile/update",
                            "core/user/login/token/logout"}) {
    INFO(route);
    CHECK(d.ask(std::string(R"({"id":9,"route":"/)") + route + R"(","data":{}})") ==
          R"({"id":9,"code":300,"data":{"msg":"user not login"}})");
  }
  CHECK(d.calls() == 0);
}

TEST_CASE("the same packets are served over a WebSocket at /cp, one per text frame; binary ones are refused politely") {
  Dialogue d;
  d.set_up();
  d.connection = d.routes.open("/cp", d.peer);
  REQUIRE(d.connection != nullptr);
  CHECK(d.ask(R"({"id":5})") == R"({"id":5,"code":404,"data":{"msg":"route not found"}})");
  d.connection->on_message({R"({"id":5})", false});
  CHECK(d.heard() == unreadable);
  CHECK_FALSE(d.peer.closed);
}

TEST_CASE("the operator says where the WebSocket is, or that there is none") {
  Dialogue moved, none, wrong;
  moved.option("websocket_path").set_text("/pigeon");
  CHECK(moved.contract.configure().ok());
  moved.set_up();
  CHECK(moved.routes.open("/cp", moved.peer) == nullptr);
  CHECK(moved.routes.open("/pigeon", moved.peer) != nullptr);
  none.option("websocket_path").set_text("");
  CHECK(none.contract.configure().ok());
  none.set_up();
  CHECK(none.routes.open("/cp", none.peer) == nullptr);
  CHECK(none.routes.open("", none.peer) == nullptr);
  for (const auto* path : {"cp", "/c p", "/cp?x", "/cp#x"}) {
    wrong.option("websocket_path").set_text(path);
    const auto checked = wrong.contract.configure();
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().reason == "websocket_path");
  }
}
