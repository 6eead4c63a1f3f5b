// Pieces of answers. Private to core/push/operator*.cpp.
#pragma once

#include <string>

#include <loft/json_writer.hpp>
#include <loft/push_ledger.hpp>

namespace loft::push {

struct Plan;

Error bad_arguments(std::string detail);
void write_plan(json::Writer& w, const Plan& plan);
void write_push(json::Writer& w, const OwedPush& push, std::string_view handle);
void write_device(json::Writer& w, const Device& device, std::string_view handle);

}  // namespace loft::push
