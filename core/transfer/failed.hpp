// Inside of core/transfer a failure is thrown; its functions answer with the Error.
#pragma once

#include <exception>
#include <string>

#include <loft/error.hpp>

namespace loft::transfer {

struct Failed : std::exception {
  explicit Failed(Error what) : error(std::move(what)) {}
  /// Of a storage, which may have said why in its log only. `whose`: "the source".
  Failed(Error what, const std::string& whose) : error(std::move(what)) {
    if (error.detail.empty())
      error.detail = error.code == Code::unavailable ? whose + " does not answer; see above, and try again"
                                                     : whose + " answers " + error.reason;
    else
      error.detail = whose + ": " + error.detail;
  }
  const char* what() const noexcept override { return error.detail.c_str(); }

  Error error;
};

}  // namespace loft::transfer
