#include "cli/secret_input.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace loft::cli {
namespace {

constexpr std::size_t longest = 4096;

Error input(const char* detail) { return {Code::invalid, "password.input", detail}; }

/// Nothing that is typed shows while this lives. Signals keep their meaning, and the terminal its manners.
class Silence {
 public:
  Silence() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    is_on_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (is_on_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  bool is_on() const noexcept { return is_on_; }

 private:
  termios before_{};
  bool is_on_ = false;
};

/// Byte by byte: what stands behind the line is somebody else's.
std::optional<std::string> line() {
  std::string text;
  for (;;) {
    char c = 0;
    const auto size = read(STDIN_FILENO, &c, 1);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text.empty() ? std::nullopt : std::optional(text);
    if (c == '\n') return text;
    text += c;
    if (text.size() > longest) return std::nullopt;
  }
}

}  // namespace

Result<std::string> read_password(std::string_view whose, std::ostream& err) {
  if (isatty(STDIN_FILENO) != 1) {
    auto text = line();
    if (!text || text->empty()) return input("no password: standard input has no first line, or a very long one");
    if (text->ends_with('\r')) text->pop_back();
    return std::move(*text);
  }
  const Silence silence;
  if (!silence.is_on())
    return input("the terminal cannot be kept from showing the password; give it on standard input");
  err << "Password for " << whose << ": " << std::flush;
  auto first = line();
  err << "Once more: " << std::flush;
  const auto second = line();
  if (!first || first->empty()) return input("no password was given");
  if (first != second) return input("the two are not the same");
  return std::move(*first);
}

}  // namespace loft::cli
