// Message domains: what the content of a `Vendor:Name` message must be, and how it reads in one line.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <loft/bytes.hpp>
#include <loft/error.hpp>
#include <loft/plugin.hpp>

namespace loft {

struct DomainSpec {
  std::string name;               ///< `Vendor:Name`, each part of letters, digits, `_`, beginning with a letter
  std::string schema;             ///< JSON Schema (draft 7) of the content, for documentation and clients
  bool host_validates = true;     ///< the host checks content against `schema` before `check` sees it
  std::size_t max_bytes = 65536;  ///< of the content as submitted
  bool service_only = false;      ///< only a service (`Caller::service`) may write such messages
};

/// A language tag such as `zh-CN` or `en`.
using Locale = std::string_view;

/// Thread role of `check` and `preview`: any, concurrently. Both must be quick and keep no state.
class Domain : public Plugin {
 public:
  /// Valid as long as the plugin. Called once, after `setup`.
  virtual std::span<const DomainSpec> domains() const = 0;

  /// Checks `content` (valid JSON, an object) of `domains()[index]` and may write another form to `normal`; left empty,
  /// the content stands as it is. Errors: invalid, reason `content.invalid`, the detail names the field.
  virtual Result<void> check(std::size_t index, Bytes content, std::string& normal) const = 0;

  /// Appends one line of plain text that stands for the content where it cannot be shown.
  virtual void preview(std::size_t index, Bytes content, Locale locale, std::string& out) const = 0;
};

/// All domains of the host. Thread role: any. Lifetime: the host's.
class Domains {
 public:
  virtual ~Domains() = default;

  virtual bool known(std::string_view name) const noexcept = 0;

  /// The preview by the domain's plugin; `[消息]` where no plugin knows the domain.
  virtual void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const = 0;
};

}  // namespace loft
