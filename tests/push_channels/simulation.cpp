#include "simulation.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <loft/json.hpp>

namespace push_test {
namespace {

std::string made_folder() {
  auto name = (std::filesystem::temp_directory_path() / "loft-push-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

std::vector<std::string> words_of(const std::string& state, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{LOFT_PUSH_SIMULATE, "--state", state};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace

TemporaryFolder::TemporaryFolder() : path(made_folder()) {}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

Program::Program(const std::vector<std::string>& words) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.data()));
  pointers.push_back(nullptr);
  child_ = ::fork();
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipe[1], 1);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  out_ = pipe[0];
  if (child_ < 0) throw std::runtime_error("no process");
  char c = 0;
  while (::read(out_, &c, 1) == 1 && c != '\n') line_ += c;
  if (line_.empty()) throw std::runtime_error(words.front() + " did not start; its own words are above");
}

Program::~Program() {
  ::kill(child_, SIGCONT);
  ::kill(child_, SIGTERM);
  ::waitpid(child_, nullptr, 0);
  ::close(out_);
}

void Program::signal(int number) const { ::kill(child_, number); }

Simulation::Simulation(const std::string& state, const std::vector<std::string>& arguments)
    : program_(words_of(state, arguments)) {}

std::string Simulation::at(const std::string& name) const {
  const auto line = loft::json::parse(program_.first_line());
  if (!line || !line->find(name)) throw std::runtime_error("the simulation does not say " + name);
  return line->find(name)->text().value();
}

std::vector<std::string> Simulation::pushes() const {
  std::istringstream in(read_file(at("pushes")));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void Simulation::hang() const { program_.signal(SIGSTOP); }
void Simulation::resume() const { program_.signal(SIGCONT); }

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

}  // namespace push_test
