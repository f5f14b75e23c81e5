#include <pty.h>

#include "app/run_agon.h"
#include "catch.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

// On a terminal the progress would be a flood of lines, or nothing.
TEST_CASE("progress is one line that is redrawn on a terminal") {
  Scratch scratch;
  write_text(scratch / "tiny.toml", tiny_config().to_toml());
  const std::string folder = scratch.path().string();
  winsize size{};
  size.ws_row = 40;
  size.ws_col = 90;
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    ::setenv("TERM", "xterm", 1);
    ::setenv("NO_COLOR", "1", 1);
    ::setenv("AGON_CACHE", (folder + "/cache").c_str(), 1);
    ::execl(AGON_BINARY, "agon", "train", "tiny.toml", "--set", "train.steps=300", nullptr);
    ::_exit(127);
  }
  std::string shown;
  char buffer[4096];
  for (ssize_t n; (n = ::read(terminal, buffer, sizeof buffer)) > 0;)
    shown.append(buffer, static_cast<size_t>(n));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  INFO(shown);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(shown.find("\r\x1b[K") != std::string::npos);
  CHECK(shown.find("━") != std::string::npos);
  CHECK(shown.find("img/s") != std::string::npos);
  CHECK(shown.find("step 300/300") != std::string::npos);
}
