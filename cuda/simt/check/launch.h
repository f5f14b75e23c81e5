// What the checkers of a launch's blocks share, and how a fault becomes a report.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cuda/simt/check/block.h"
#include "cuda/simt/check/order.h"

namespace agon::simt {

struct LaunchChecker::State {
  Memory& memory;
  GlobalShadow* shadow;  // null: reports of the executor's own faults alone
  std::string kernel;
  Shape shape;
  std::function<SourcePlace(std::uint32_t)> locate;
  std::uint64_t blocks;
  std::uint32_t threads;  // of a block
  GlobalShadow::Serials serials;
  SyncPoints points;
};

// One fault of one thread, before it is put into words.
struct Fault {
  FaultKind kind = FaultKind::out_of_bounds;
  std::uint64_t block = 0;
  std::uint32_t thread = 0;
  std::uint32_t pc = 0;
  std::string what;
  std::uint64_t address = 0;
  bool global = false;  // the address is a device address
  std::uint32_t other_pc = no_pc;
  static constexpr std::uint32_t no_pc = UINT32_MAX;
};

void add_report(LaunchChecker& launch, const LaunchChecker::State& state, Fault fault);

// "(1,0,2)" of a linear index within an extent.
std::string place_in(std::uint64_t index, const std::uint32_t (&extent)[3]);

}  // namespace agon::simt
