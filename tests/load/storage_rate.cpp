// How fast a storage plugin commits: the batches of the raw references, through the interface of the SDK and without a
// host. The storage must be empty.
//
//   storage_rate --plugin FILE.so [--set option=value]… --batch N --rows M [--client-ids] [--conversations C] [--users
//   U] [--content BYTES] [--writers W] [--data DIRECTORY]
//
// Several writers have conversations of their own, and batches end in the order in which they were begun (S26).
// Prints one line of JSON.
#include "plugin.hpp"
#include "raw.hpp"

namespace {

using namespace loft;
using namespace loft::load;

void make_conversations(Storage& storage, const Arguments& a) {
  std::vector<Conversation> conversations(a["conversations"]);
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    conversations[i].id = static_cast<ConversationId>((i + 1) << 20);
    conversations[i].kind = ConversationKind::group;
    conversations[i].uuid = "00000000-0000-4000-8000-" + std::to_string(i);
    conversations[i].name = "group";
  }
  Batch batch;
  batch.conversations = conversations;
  commit(storage, batch);
}

/// The turn of a batch behind those that were begun before it.
class Turn final : public CommitTurn {
 public:
  explicit Turn(Order& order) : order_(order), ticket_(order.begin()) {}
  bool wait() override {
    order_.wait(ticket_);
    return true;
  }

 private:
  Order& order_;
  std::uint64_t ticket_;
};

class Inserter {
 public:
  /// `order`: null for a storage's only writer.
  Inserter(Storage& storage, const Arguments& a, std::uint64_t writer, Order* order)
      : storage_(storage), client_ids_(a.client_ids), writer_(writer), order_(order), rows_(a, writer) {}

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
    if (order_ == nullptr) return commit(storage_, batch);
    Turn turn(*order_);
    const auto done = storage_.commit_in_turn(writer_, batch, turn);
    if (!done || !done->empty()) stop_all(done ? "the storage is not empty" : done.error().reason);
    order_->end();
  }

 private:
  /// Others wait for a turn that will not come.
  [[noreturn]] static void stop_all(const std::string& why) {
    std::fprintf(stderr, "storage_rate: %s\n", why.c_str());
    std::_Exit(1);
  }

  Storage& storage_;
  bool client_ids_;
  std::uint64_t writer_;
  Order* order_;
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
    testing::FakeHost host("storage.measured", plugin.data);
    const auto storage = plugin.start(host);
    if (a["writers"] > storage->writers())
      throw std::runtime_error("the storage has " + std::to_string(storage->writers()) + " writer(s)");
    make_conversations(*storage, a);
    Order order;
    std::vector<std::unique_ptr<Inserter>> inserters;
    std::vector<std::function<void(std::uint64_t)>> writers;
    for (std::uint64_t i = 0; i < a["writers"]; ++i) {
      auto& inserter =
          *inserters.emplace_back(std::make_unique<Inserter>(*storage, a, i, a["writers"] == 1 ? nullptr : &order));
      writers.emplace_back([&inserter](std::uint64_t rows) { inserter.batch(rows); });
    }
    measure(a, "storage", writers);
    storage->stop(host.clock().steady() + 5000);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "storage_rate: %s\n", e.what());
    return 1;
  }
}
