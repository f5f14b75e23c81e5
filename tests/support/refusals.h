#pragma once
#include <csignal>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include "agon/error.h"

#include "catch.h"

/// Runs `deed`, which must throw agon::Error of `kind` with a one-line message; returns the message.
template <class Deed>
std::string error_of(agon::ErrorKind kind, Deed&& deed) {
  try {
    deed();
  } catch (const agon::Error& error) {
    const std::string message = error.what();
    INFO(message);
    CHECK(error.kind() == kind);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  FAIL("no error was thrown");
  return {};
}

inline bool mentions(const std::string& message, const std::string& words) {
  return message.find(words) != std::string::npos;
}

/// While it lives, no file of this process can grow beyond `bytes`: what a full disk does, without one.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

/// Root may write anywhere; while this lives, the process is nobody.
class WithoutRoot {
 public:
  WithoutRoot() : was_root_(::geteuid() == 0) {
    if (was_root_) REQUIRE(::seteuid(65534) == 0);
  }
  ~WithoutRoot() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;

 private:
  bool was_root_;
};
