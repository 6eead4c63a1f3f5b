// Prints the heap bytes that one idle connection costs the host, its (nearly empty) protocol included.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "fixture.hpp"

int main(int argc, char** argv) {
  using namespace net_test;
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 5000;
  Host host;
  host.start();
  std::vector<Client> clients;
  clients.reserve(count + 1);
  const auto connect = [&](std::size_t total) {
    while (clients.size() < total) {
      clients.emplace_back(host.port);
      clients.back().send("hello");
      clients.back().receive(5);
    }
  };
  connect(1);
  const auto heap = [] {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const std::size_t before = heap();
  connect(count + 1);
  const std::size_t after = heap();
  std::printf("%zu connections: %zu heap bytes each\n", count, (after - before) / count);
}
