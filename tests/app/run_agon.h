#pragma once
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "catch.h"

/// What one call of the program gave. `code` is the exit code, or minus the signal that ended it.
struct Ran {
  int code = 0;
  std::string out, err;

  std::vector<std::string> err_lines() const {
    std::vector<std::string> lines;
    std::istringstream stream(err);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
};

/// Starts the real binary in `folder`; its output goes to files there.
class Agon {
 public:
  explicit Agon(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// `prelude` runs before it in the shell ("ulimit -f 100 && ").
  pid_t start(const std::vector<std::string>& arguments, const std::string& prelude = {}) const {
    std::string line = prelude + "exec '" AGON_BINARY "'";
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    line += " >.out 2>.err </dev/null";
    const std::string folder = folder_.string();
    const pid_t child = ::fork();
    if (child == 0) {
      if (::chdir(folder.c_str()) != 0) ::_exit(126);
      ::setenv("AGON_CACHE", (folder + "/cache").c_str(), 1);
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    return child;
  }

  Ran wait(pid_t child) const {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text(".out"), text(".err")};
  }

  Ran operator()(const std::vector<std::string>& arguments, const std::string& prelude = {}) const {
    return wait(start(arguments, prelude));
  }

  std::string text(const std::string& name) const {
    std::ostringstream stream;
    stream << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return stream.str();
  }

 private:
  std::filesystem::path folder_;
};

/// Checks the exit code and that stderr is one line that mentions all `words`; nothing on stdout.
inline void check_refused(const Ran& ran, int code, const std::vector<std::string>& words) {
  INFO("stderr: " << ran.err);
  CHECK(ran.code == code);
  CHECK(ran.out.empty());
  CHECK(ran.err_lines().size() == 1);
  for (const std::string& word : words) {
    INFO("wanted: " << word);
    CHECK(ran.err.find(word) != std::string::npos);
  }
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
