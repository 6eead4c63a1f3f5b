// How fast a storage plugin commits: the batches of the raw references, through the interface of the SDK and without a
// host. The storage must be empty.
//
//   storage_rate --plugin FILE.so [--set option=value]… --batch N --rows M [--client-ids] [--conversations C] [--users
//   U] [--content BYTES] [--data DIRECTORY]
//
// Prints one line of JSON.
#include "plugin.hpp"
#include "raw.hpp"

namespace {

using namespace loft;
using namespace loft::load;

class Inserter {
 public:
  Inserter(Storage& storage, const Arguments& a) : storage_(storage), client_ids_(a.client_ids), rows_(a) {
    std::vector<Conversation> conversations(a["conversations"]);
    for (std::size_t i = 0; i < conversations.size(); ++i) {
      conversations[i].id = static_cast<ConversationId>((i + 1) << 20);
      conversations[i].kind = ConversationKind::group;
      conversations[i].uuid = "00000000-0000-4000-8000-" + std::to_string(i);
      conversations[i].name = "group";
    }
    Batch batch;
    batch.conversations = conversations;
    commit(storage_, batch);
  }

  void batch(std::uint64_t count) {
    rows_.next(count);
    messages_.resize(count);
    news_.clear();
    heads_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const auto& row = rows_.messages()[i];
      auto& message = messages_[i];
      message.id = static_cast<MessageId>(row.id);
      message.conversation = static_cast<ConversationId>(row.conversation);
      message.seq = row.seq;
      message.sender = static_cast<UserId>(row.sender);
      message.domain = "Core:Text";
      message.content = rows_.content();
      NewMessage entry{&message, {}};
      if (client_ids_) entry.key = ClientKey{{row.key[0], row.key[1]}, row.key[2]};
      news_.push_back(entry);
    }
    for (const auto& h : rows_.heads()) {
      heads_.push_back(
          {static_cast<ConversationId>(h.conversation), h.expected, h.head, static_cast<MessageId>(h.last)});
    }
    Batch batch;
    batch.applied_upto = rows_.last();
    batch.heads = heads_;
    batch.messages = news_;
    commit(storage_, batch);
  }

 private:
  Storage& storage_;
  bool client_ids_;
  Rows rows_;
  std::vector<Message> messages_;
  std::vector<NewMessage> news_;
  std::vector<HeadUpdate> heads_;
};

}  // namespace

int main(int count, char** words) {
  PluginFile plugin;
  const Arguments a(count, words, PluginFile::words,
                    [&](const std::string& word, const std::string& value) { return plugin.take(word, value); });
  try {
    if (a["writers"] != 1) throw std::runtime_error("a storage has one writer");
    testing::FakeHost host("storage.measured", plugin.data);
    const auto storage = plugin.start(host);
    Inserter inserter(*storage, a);
    measure(a, "storage", {[&](std::uint64_t rows) { inserter.batch(rows); }});
    storage->stop(host.clock().steady() + 5000);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "storage_rate: %s\n", e.what());
    return 1;
  }
}
