#include "transfer/mark.hpp"

namespace loft::transfer {

Result<void> check_finished(Storage& storage) {
  const auto from = storage.key_value(mark_space, mark_key);
  if (!from) return from.error();
  if (!*from) return {};
  return Error{Code::conflict, "transfer.unfinished",
               "the storage holds an unfinished copy of " + **from +
                   ": run `loft storage copy --from … --to …` again with the same two files, it goes on where it "
                   "ended; or empty the storage"};
}

}  // namespace loft::transfer
