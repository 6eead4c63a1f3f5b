#include "content.hpp"

#include <vector>

#include "errors.hpp"

namespace loft::flix {
namespace {

constexpr ContentType types[] = {
    {"text", "Core:Text"},       {"image", "Core:Image"}, {"product", "Flix:Product"},   {"order", "Flix:Order"},
    {"comment", "Flix:Comment"}, {"like", "Flix:Like"},   {"favorite", "Flix:Favorite"}, {"system", "Core:System"}};
constexpr auto& text_type = types[0];
constexpr auto& image_type = types[1];

/// Shown as text, with all that their content has besides.
constexpr std::string_view with_members[] = {"Core:Video", "Core:Voice", "Core:File", "Core:Location", "Core:Card"};

/// Writes one object out of members of others.
class Object {
 public:
  explicit Object(std::string& out) : out_(out), from_(out.size()) { out_ += '{'; }

  void add(const json::Value& name, const json::Value& value) {
    comma();
    out_ += name.raw();
    out_ += ':';
    out_ += value.raw();
  }
  void add(std::string_view name, Bytes json) {
    comma();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    out_ += json;
  }
  void end() { out_ += '}'; }

 private:
  void comma() {
    if (out_.size() > from_ + 1) out_ += ',';
  }
  std::string& out_;
  std::size_t from_;
};

json::Value member(const json::Value& object, std::string_view name) {
  return object.find(name).value_or(json::Value());
}

/// The store knows one picture by its `url`. A list of several is kept beside it; one of a single picture is that, so
/// that the same picture is the same content whatever contract it came by.
void put_image(const json::Value& content, std::string& out) {
  Object object(out);
  json::Value url;
  std::size_t count = 0;
  member(content, "image_urls").elements([&](const json::Value& item) {
    if (++count == 1 && item.is(json::Type::string)) url = item;
    return count < 2;
  });
  const bool has_url = content.find("url").has_value();
  const bool has_first = !has_url && url.is(json::Type::string);
  if (has_first) object.add("url", url.raw());
  content.members([&](const json::Value& name, const json::Value& value) {
    const bool is_said = (!has_url && name.equals("url")) || (has_first && count == 1 && name.equals("image_urls"));
    if (!is_said) object.add(name, value);
    return true;
  });
  object.end();
}

void append_image(const json::Value& content, std::string& out) {
  Object object(out);
  const bool has_list = content.find("image_urls").has_value();
  content.members([&](const json::Value& name, const json::Value& value) {
    if (name.equals("url")) {
      if (!has_list) object.add("image_urls", "[" + std::string(value.raw()) + "]");
    } else if (has_list || !name.equals("image_urls")) {
      object.add(name, value);
    }
    return true;
  });
  object.end();
}

/// What the parts of a list come to.
struct Parts {
  std::string text;
  std::vector<Bytes> urls;
  std::vector<json::Value> objects;

  bool take(const json::Value& part) {
    if (!part.is(json::Type::object)) return false;
    const auto type = member(part, "type"), payload = member(part, "payload");
    if (payload.is(json::Type::object)) {
      objects.push_back(payload);
    } else if (payload.is(json::Type::string)) {
      if (type.equals("image")) {
        urls.push_back(payload.raw());
      } else {
        if (!text.empty()) text += '\n';
        text += *payload.text();
      }
    } else {
      return false;
    }
    return true;
  }

  bool knows(std::size_t before, const json::Value& name) const {
    const auto word = name.text();
    if ((!text.empty() && word == "text") || (!urls.empty() && word == "image_urls")) return true;
    for (std::size_t i = 0; i < before; ++i) {
      if (objects[i].find(*word)) return true;
    }
    return false;
  }

  void write(std::string& out) const {
    Object object(out);
    if (!text.empty()) {
      std::string quoted;
      json::append_string(quoted, text);
      object.add("text", quoted);
    }
    if (!urls.empty()) {
      std::string list = "[";
      for (const auto url : urls) list.append(list.size() > 1 ? "," : "").append(url);
      object.add("image_urls", list + "]");
    }
    for (std::size_t i = 0; i < objects.size(); ++i) {
      objects[i].members([&](const json::Value& name, const json::Value& value) {
        if (!knows(i, name)) object.add(name, value);
        return true;
      });
    }
    object.end();
  }
};

void append_preview(const Message& message, const Domains& domains, Locale locale, std::string& out) {
  std::string preview;
  domains.preview(message.domain, message.content, locale, preview);
  json::append_string(out, preview);
}

}  // namespace

const ContentType* content_type(std::string_view word) noexcept {
  for (const auto& type : types) {
    if (type.word == word) return &type;
  }
  return nullptr;
}

const ContentType& content_type_of(std::string_view domain) noexcept {
  for (const auto& type : types) {
    if (type.domain == domain) return type;
  }
  return text_type;
}

Result<void> read_content(const json::Value& content, const ContentType& type, std::string& out) {
  // Whole lists of parts are for small messages: a long one is taken for a mistake.
  constexpr std::size_t most_parts = 64;
  std::string joined;
  json::Value object = content;
  if (content.is(json::Type::array)) {
    Parts parts;
    std::size_t count = 0;
    bool fine = true;
    content.elements([&](const json::Value& part) { return fine = ++count <= most_parts && parts.take(part); });
    if (!fine || count == 0) {
      return failure::field("content", "a list must have 1 to 64 parts {\"type\":…,\"payload\":…}");
    }
    parts.write(joined);
    object = *json::parse(joined);
  }
  if (!object.is(json::Type::object)) return failure::field("content", "must be an object");
  if (&type == &image_type)
    put_image(object, out);
  else
    out.append(object.raw());
  return {};
}

void append_content(std::string& out, const Message& message, const Domains& domains, Locale locale) {
  if (message.domain == text_type.domain) {
    out += message.content;
    return;
  }
  if (message.domain == image_type.domain) {
    if (const auto content = json::parse(message.content)) return append_image(*content, out);
  }
  if (content_type_of(message.domain).domain == message.domain) {
    out += message.content;
    return;
  }
  out += "{\"text\":";
  append_preview(message, domains, locale, out);
  for (const auto domain : with_members) {
    if (domain != message.domain) continue;
    const auto content = json::parse(message.content);
    if (!content) break;
    content->members([&](const json::Value& name, const json::Value& value) {
      if (!name.equals("text")) out.append(",").append(name.raw()).append(":").append(value.raw());
      return true;
    });
  }
  out += '}';
}

}  // namespace loft::flix
