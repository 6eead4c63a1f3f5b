// The providers' counterparts (`loft-push-simulate`), run for one test.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace push_test {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string path;
};

/// A program that is there as long as this object; it dies with this process, however that ends.
class Program {
 public:
  explicit Program(const std::vector<std::string>& words);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The first line that it prints. Throws when there is none.
  const std::string& first_line() const { return line_; }
  void signal(int number) const;  ///< such as SIGSTOP, SIGCONT

 private:
  pid_t child_ = -1;
  int out_ = -1;
  std::string line_;
};

class Simulation {
 public:
  /// `state`: the folder of its keys; the same again gives the same keys.
  explicit Simulation(const std::string& state, const std::vector<std::string>& arguments = {});

  /// What it printed under that name: `apns`, `fcm`, `token_uri`, `ca_file`, `key_path`, …
  std::string at(const std::string& name) const;
  /// What was accepted so far, a JSON text each, in order.
  std::vector<std::string> pushes() const;
  void hang() const;
  void resume() const;

 private:
  Program program_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace push_test
