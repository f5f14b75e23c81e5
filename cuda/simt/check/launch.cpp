#include "cuda/simt/check/launch.h"

#include <fmt/format.h>
#include <utility>

namespace agon::simt {
namespace {

void split(std::uint64_t index, const std::uint32_t (&extent)[3], std::uint32_t (&place)[3]) {
  place[0] = static_cast<std::uint32_t>(index % extent[0]);
  place[1] = static_cast<std::uint32_t>(index / extent[0] % extent[1]);
  place[2] = static_cast<std::uint32_t>(index / extent[0] / extent[1]);
}

std::string to_text(const SourcePlace& place) {
  return place.file.empty() ? std::string("an unknown line") : fmt::format("{}:{}", place.file, place.line);
}

std::uint64_t count(const std::uint32_t (&extent)[3]) {
  return std::uint64_t{extent[0]} * extent[1] * extent[2];
}

}  // namespace

std::string place_in(std::uint64_t index, const std::uint32_t (&extent)[3]) {
  std::uint32_t place[3];
  split(index, extent, place);
  return fmt::format("({},{},{})", place[0], place[1], place[2]);
}

LaunchChecker::LaunchChecker(Memory& memory, std::string kernel, const Shape& shape,
                             std::function<SourcePlace(std::uint32_t pc)> locate) {
  const std::uint64_t blocks = count(shape.grid);
  GlobalShadow* const shadow = memory.shadow();
  GlobalShadow::Serials serials;
  if (shadow) serials = shadow->begin(memory.history(), blocks, kernel);
  state_.reset(new State{memory,
                         shadow,
                         std::move(kernel),
                         shape,
                         std::move(locate),
                         blocks,
                         static_cast<std::uint32_t>(count(shape.block)),
                         serials,
                         {}});
}

LaunchChecker::~LaunchChecker() = default;

void LaunchChecker::report(FaultKind kind, std::uint64_t block, std::uint32_t thread, std::uint32_t pc,
                           const std::string& what, std::uint64_t address) {
  Fault fault;
  fault.kind = kind;
  fault.block = block;
  fault.thread = thread;
  fault.pc = pc;
  fault.what = what;
  fault.address = address;
  fault.global = address != 0;
  add_report(*this, *state_, std::move(fault));
}

void add_report(LaunchChecker& launch, const LaunchChecker::State& state, Fault fault) {
  Report report;
  report.kind = fault.kind;
  report.kernel = state.kernel;
  split(fault.block, state.shape.grid, report.block);
  split(fault.thread, state.shape.block, report.thread);
  const SourcePlace place = state.locate ? state.locate(fault.pc) : SourcePlace{};
  report.file = place.file;
  report.line = place.line;
  report.address = fault.address;
  if (fault.global) report.allocation = state.memory.describe(fault.address);
  std::string other;
  if (fault.other_pc != Fault::no_pc && state.locate) {
    const SourcePlace earlier = state.locate(fault.other_pc);
    report.other_file = earlier.file;
    report.other_line = earlier.line;
    other = fmt::format(" at {}", to_text(earlier));
  }
  report.message = fmt::format("{}: {}{}; {} block {} thread {} at {}{}{}", name(fault.kind), fault.what,
                               other, readable_name(state.kernel), place_in(fault.block, state.shape.grid),
                               place_in(fault.thread, state.shape.block), to_text(place),
                               fault.global ? fmt::format(", address {:#x}", fault.address) : std::string(),
                               report.allocation.empty() ? std::string() : ": " + report.allocation);
  launch.log().add(std::move(report), fault.block * state.threads + fault.thread);
}

}  // namespace agon::simt
