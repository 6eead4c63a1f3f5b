// Brings its own copy of header-only Asio.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "asio_probe.hpp"

namespace {

class Probe final : public AsioProbe {
 public:
  bool runs_here(boost::asio::io_context& context) override { return context.get_executor().running_in_this_thread(); }
  bool own_runs() override {
    boost::asio::io_context context;
    bool inside = false;
    boost::asio::post(context, [&] { inside = runs_here(context); });
    context.run();
    return inside;
  }
};

}  // namespace

LOFT_PLUGIN(Probe, ZOO_ID, "1", "The canary")
