#pragma once
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "agon/program.h"

/// The device of these tests: the simulated one, or as AGON_TEST_BACKENDS says. Null after a line that names
/// the test.
inline std::shared_ptr<agon::Backend> device(const char* test) {
  for (const char* name : {"simt", "cuda"}) {
    const char* wanted = std::getenv("AGON_TEST_BACKENDS");
    if (std::string(wanted != nullptr ? wanted : "simt") != name) continue;
    try {
      return agon::open_backend(name);
    } catch (const agon::Error& error) {
      if (error.kind() != agon::ErrorKind::unsupported) throw;
      std::printf("skipped: %s on %s: %s\n", test, name, error.what());
    }
  }
  return nullptr;
}

/// The same for tests of what only the simulated device can tell.
inline std::shared_ptr<agon::Backend> simulated_device(const char* test) {
  const auto backend = device(test);
  if (backend == nullptr || backend->name() == "simt") return backend;
  std::printf("skipped: %s: for the simulated device alone\n", test);
  return nullptr;
}
