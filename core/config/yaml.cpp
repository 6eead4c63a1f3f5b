// The only file that knows yaml-cpp. It listens to the parser's events rather than taking its node tree: events show
// duplicate keys, carry the place of everything, and let limits act before memory is spent.
#include <algorithm>
#include <map>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "config/tree.hpp"

namespace loft::config {
namespace {

/// Ends parsing: nothing sensible can be read behind this place.
struct Stop {
  YAML::Mark mark;
  std::string message;
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(Tree& tree, std::size_t origin, std::string path) : tree_(tree), origin_(origin), path_(std::move(path)) {}

  std::unique_ptr<Item> take() { return std::move(result_); }
  Place place(const YAML::Mark& mark) const;
  std::string path() const;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (wants_key()) throw Stop{mark, "a key is missing before the colon"};
    finish(make(Item::Kind::null, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (wants_key()) return key(mark, value);
    auto item = make(Item::Kind::scalar, mark);
    item->text = item->value = value;
    item->quoted = tag != "?";
    check_tag(mark, tag, "tag:yaml.org,2002:str");
    finish(std::move(item), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (wants_key()) throw Stop{mark, "a key must be a word, not an alias"};
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end() || found->second == nullptr) {
      throw Stop{mark, "this alias stands inside the value it names"};
    }
    finish(copy(*found->second, mark, frames_.size()), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "tag:yaml.org,2002:seq");
    open(Item::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "tag:yaml.org,2002:map");
    open(Item::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    std::unique_ptr<Item> item;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    bool duplicate = false;
    std::string key;
    Place key_place;
  };

  bool wants_key() const {
    return !frames_.empty() && frames_.back().item->kind == Item::Kind::map && !frames_.back().has_key;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag, std::string_view allowed) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == allowed) return;
    tree_.add(place(mark), path(), "tags such as " + quoted(tag) + " are not used here; remove it");
  }

  std::unique_ptr<Item> make(Item::Kind kind, const YAML::Mark& mark) {
    if (++items_ > max_items) {
      throw Stop{mark, "the document has more than " + std::to_string(max_items) + " values (aliases count each time)"};
    }
    auto item = std::make_unique<Item>();
    item->kind = kind;
    item->place = place(mark);
    return item;
  }

  std::unique_ptr<Item> copy(const Item& from, const YAML::Mark& mark, std::size_t depth) {
    if (depth > max_depth) throw Stop{mark, "nested more than " + std::to_string(max_depth) + " levels deep"};
    auto item = make(from.kind, mark);
    item->place = from.place;
    item->key_place = from.key_place;
    item->has_key = from.has_key;
    item->quoted = from.quoted;
    item->text = from.text;
    item->value = from.value;
    for (const auto& [name, member] : from.members) item->members.emplace_back(name, copy(*member, mark, depth + 1));
    for (const auto& each : from.items) item->items.push_back(copy(*each, mark, depth + 1));
    return item;
  }

  void key(const YAML::Mark& mark, const std::string& name) {
    auto& frame = frames_.back();
    frame.has_key = true;
    frame.key = name;
    frame.key_place = place(mark);
    const Item* const first = frame.item->find(name);
    frame.duplicate = first != nullptr;
    if (!frame.duplicate) return;
    std::string where;
    if (first->key_place.line != 0) where = " (first in line " + std::to_string(first->key_place.line) + ")";
    tree_.add(frame.key_place, path(), "this key stands here twice" + where + "; remove one of the two");
  }

  void open(Item::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (wants_key()) throw Stop{mark, "a key must be a word; is a bracket not closed, or are quotes missing round it?"};
    if (frames_.size() >= max_depth) throw Stop{mark, "nested more than " + std::to_string(max_depth) + " levels deep"};
    if (anchor != 0) anchors_[anchor] = nullptr;
    Frame frame;
    frame.item = make(kind, mark);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    auto frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.item->kind == Item::Kind::map) merge(*frame.item);
    finish(std::move(frame.item), frame.anchor);
  }

  /// `<<: *name` takes over the members that the map itself does not have.
  void merge(Item& map) {
    const auto found = std::find_if(map.members.begin(), map.members.end(), [](auto& m) { return m.first == "<<"; });
    if (found == map.members.end()) return;
    const auto source = std::move(found->second);
    map.members.erase(found);
    std::vector<Item*> maps;
    if (source->kind == Item::Kind::list) {
      for (const auto& each : source->items) maps.push_back(each.get());
    } else {
      maps.push_back(source.get());
    }
    for (Item* const from : maps) {
      if (from->kind != Item::Kind::map) {
        tree_.add(source->key_place, join_path(path(), "<<"), "takes a mapping, such as *name, or a list of them");
        return;
      }
      for (auto& [name, member] : from->members) {
        if (map.find(name) == nullptr) map.members.emplace_back(name, std::move(member));
      }
      from->members.clear();
    }
  }

  void finish(std::unique_ptr<Item> item, YAML::anchor_t anchor) {
    // The original may be moved from by a merge or dropped as a duplicate: anchors keep a copy of their own.
    if (anchor != 0) {
      kept_.push_back(copy(*item, YAML::Mark::null_mark(), 0));
      anchors_[anchor] = kept_.back().get();
    }
    if (frames_.empty()) {
      result_ = std::move(item);
      return;
    }
    auto& frame = frames_.back();
    if (frame.item->kind == Item::Kind::list) {
      frame.item->items.push_back(std::move(item));
      return;
    }
    item->key_place = frame.key_place;
    item->has_key = true;
    frame.has_key = false;
    if (!frame.duplicate) frame.item->members.emplace_back(std::move(frame.key), std::move(item));
  }

  Tree& tree_;
  std::size_t origin_;
  std::string path_;
  std::size_t items_ = 0;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, const Item*> anchors_;
  std::vector<std::unique_ptr<Item>> kept_;
  std::unique_ptr<Item> result_;
};

/// yaml-cpp counts lines and bytes from 0; people count lines and characters from 1.
Place Builder::place(const YAML::Mark& mark) const {
  const auto& lines = tree_.origin(origin_).lines;
  if (lines.empty() || mark.line < 0) return {origin_, 0, 0};
  // The end of the file, where yaml-cpp finds unclosed brackets, may lie behind the last line.
  const auto line = std::min<std::size_t>(static_cast<std::size_t>(mark.line), lines.size() - 1);
  const bool behind = line != static_cast<std::size_t>(mark.line);
  const auto& text = lines[line];
  const auto bytes = behind ? text.size() : std::min<std::size_t>(static_cast<std::size_t>(mark.column), text.size());
  std::size_t characters = 0;
  for (std::size_t i = 0; i < bytes; ++i) characters += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
  return {origin_, line + 1, characters + 1};
}

std::string Builder::path() const {
  std::string path = path_;
  for (const auto& frame : frames_) {
    if (frame.item->kind == Item::Kind::list) {
      path = join_path(path, std::to_string(frame.item->items.size()));
    } else if (frame.has_key) {
      path = join_path(path, frame.key);
    }
  }
  return path;
}

std::string hint(const Tree& tree, const Place& place) {
  if (place.line == 0) return {};
  const auto& line = tree.origin(place.origin).lines[place.line - 1];
  const auto first = line.find_first_not_of(' ');
  if (first != std::string::npos && line[first] == '\t') return "; indent with spaces, YAML does not take tabs";
  if (line.find("${") != std::string::npos) return "; inside [ ] and { } put quotes round \"${…}\"";
  return {};
}

}  // namespace

std::unique_ptr<Item> parse_yaml(std::string_view text, Tree& tree, std::size_t origin, const std::string& path) {
  Builder builder(tree, origin, path);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::make_unique<Item>();
    auto result = builder.take();
    Builder rest(tree, origin, path);
    if (parser.HandleNextDocument(rest)) {
      tree.add({origin, 0, 0}, path, "holds more than one YAML document; only one is read, remove the line ---");
    }
    return result;
  } catch (const Stop& stop) {
    tree.add(builder.place(stop.mark), builder.path(), stop.message);
  } catch (const YAML::Exception& error) {
    const auto place = builder.place(error.mark);
    tree.add(place, {}, "not valid YAML: " + error.msg + hint(tree, place));
  } catch (const std::exception& error) {
    tree.add({origin, 0, 0}, path, std::string("cannot be read as YAML: ") + error.what());
  }
  return nullptr;
}

}  // namespace loft::config
