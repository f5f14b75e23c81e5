// The device's memory: addresses, capacity, red zones, what the host may touch, copies and their checks.
#include "cuda/simt/check/memory.h"

#include <cstring>
#include <vector>

#include "catch.h"

using namespace agon::simt;

namespace {

// Begins an operation on `chain` that knows of what `known` holds.
OperationId begin(Memory& memory, std::size_t chain, const Clock& known) {
  return memory.history().begin(chain, known);
}

std::vector<FaultKind> kinds(ReportLog& log) {
  std::vector<FaultKind> found;
  for (const Report& report : log.take()) found.push_back(report.kind);
  return found;
}

// Optimisers must not move or drop it.
void touch(std::uint64_t address) {
  *reinterpret_cast<volatile float*>(address) = 2.0f;
}

}  // namespace

// Broken: two allocations share bytes, or lie so close that an overrun of one lands in the other.
TEST_CASE("allocations are aligned and apart", "[simt]") {
  Memory memory;
  std::uint64_t last_end = 0;
  for (const std::uint64_t bytes : {1u, 255u, 256u, 257u, 4096u, 100000u}) {
    const std::uint64_t address = memory.allocate(bytes);
    REQUIRE(address % 256 == 0);
    REQUIRE(address >= last_end + 256);
    REQUIRE(memory.valid(address, bytes));
    REQUIRE_FALSE(memory.valid(address, bytes + 1));
    REQUIRE_FALSE(memory.valid(address - 1, 1));
    last_end = address + bytes;
  }
  REQUIRE(memory.allocate(64, AllocationKind::device, "table", 4096) % 4096 == 0);
}

// Broken: the simulated device never runs out of memory, or forgets what was freed.
TEST_CASE("the capacity is kept", "[simt]") {
  Memory memory(1 << 20);
  const std::uint64_t half = memory.allocate(1 << 19);
  REQUIRE(half);
  REQUIRE(memory.allocated() == 1 << 19);
  REQUIRE(memory.allocate((1 << 19) + 1) == 0);
  REQUIRE(memory.allocate(1 << 22, AllocationKind::pinned) != 0);
  REQUIRE(memory.release(half, AllocationKind::device));
  REQUIRE_FALSE(memory.release(half, AllocationKind::device));
  REQUIRE(memory.allocate(1 << 20) != 0);
}

// Broken: freed addresses come back at once, so that a use after free goes unseen.
TEST_CASE("freed addresses rest", "[simt]") {
  Memory memory;
  const std::uint64_t first = memory.allocate(1000);
  REQUIRE(memory.release(first, AllocationKind::device));
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t other = memory.allocate(1000);
    REQUIRE(other != first);
    REQUIRE(memory.release(other, AllocationKind::device));
  }
  REQUIRE(memory.freed(first + 8));
  REQUIRE_FALSE(memory.find(first));
  REQUIRE_THAT(memory.describe(first + 8),
               Catch::Contains("byte 8 of the 1000 bytes") && Catch::Contains("freed"));
}

// Broken: a program that allocates for long runs out of addresses although its memory is free.
TEST_CASE("addresses come round", "[simt]") {
  Memory memory(Memory::range_bytes, false);
  const std::uint64_t keep = memory.allocate(1 << 20);
  std::uint64_t lowest = UINT64_MAX;
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t address = memory.allocate(64ull << 30);
    REQUIRE(address != 0);
    REQUIRE((address + (64ull << 30) <= keep || address >= keep + (1 << 20)));
    lowest = std::min(lowest, address);
    REQUIRE(memory.release(address, AllocationKind::device));
  }
  REQUIRE(memory.valid(keep, 1 << 20));
}

// Broken: host code that dereferences a device pointer is not noticed, or kills the program.
TEST_CASE("the host may not touch device memory", "[simt]") {
  Memory memory;
  const std::uint64_t device = memory.allocate(4096);
  const std::uint64_t pinned = memory.allocate(4096, AllocationKind::pinned);
  touch(pinned + 16);
  REQUIRE(memory.take_host_faults().empty());
  for (int round = 0; round < 2; ++round) {
    touch(device + 16);
    const std::vector<Report> reports = memory.take_host_faults();
    REQUIRE(reports.size() == 1);
    REQUIRE(reports[0].kind == FaultKind::host_access);
    REQUIRE(reports[0].address == device + 16);
    REQUIRE_THAT(reports[0].allocation, Catch::Contains("byte 16 of the 4096 bytes"));
  }
}

// Broken: what the host copies in is not what the device holds and the host copies out.
TEST_CASE("copies move the bytes", "[simt]") {
  for (const bool checks : {false, true}) {
    Memory memory(80ull << 30, checks);
    ReportLog log;
    std::vector<unsigned char> data(1003), back(1003);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(i * 7);
    const std::uint64_t a = memory.allocate(1003), b = memory.allocate(1003);
    memory.write_from_host(a, data.data(), 1003, log);
    memory.copy(b, a, 1003, log);
    memory.copy(b + 1, b, 1002, log);
    memory.read_to_host(back.data(), b, 1003, log);
    REQUIRE(back[0] == data[0]);
    REQUIRE(std::memcmp(back.data() + 1, data.data(), 1002) == 0);
    memory.fill(b + 4, 0x01020304, 4, 3, log);
    memory.fill(b + 1, 0xab, 1, 2, log);
    REQUIRE(std::to_integer<int>(*memory.alias(b + 2)) == 0xab);
    REQUIRE(std::to_integer<int>(*memory.alias(b + 15)) == 1);
    REQUIRE(log.empty());
  }
}

// Broken: a copy beyond its buffer, or into a freed one, is let through.
TEST_CASE("copies stay in live memory", "[simt]") {
  Memory memory;
  ReportLog log;
  std::vector<char> data(512);
  const std::uint64_t a = memory.allocate(256);
  memory.write_from_host(a, data.data(), 257, log);
  REQUIRE(kinds(log) == std::vector{FaultKind::out_of_bounds});
  memory.read_to_host(data.data(), a + 250, 7, log);
  REQUIRE(kinds(log) == std::vector{FaultKind::out_of_bounds});
  memory.release(a, AllocationKind::device);
  memory.fill(a, 0, 4, 4, log);
  REQUIRE(kinds(log) == std::vector{FaultKind::use_after_free});
}

// Broken: copies of two streams on the same bytes go unseen, or ordered ones raise an alarm.
TEST_CASE("copies of unordered streams race", "[simt]") {
  Memory memory;
  ReportLog log;
  std::vector<float> data(64, 1.0f);
  const std::uint64_t a = memory.allocate(256), b = memory.allocate(256);
  Clock none;
  begin(memory, 0, none);
  memory.write_from_host(a, data.data(), 256, log);
  Clock after_first = memory.history().clock();

  begin(memory, 1, none);
  memory.copy(b, a, 256, log);
  REQUIRE(kinds(log) == std::vector{FaultKind::race_operations});

  begin(memory, 2, after_first);
  memory.read_to_host(data.data(), a, 256, log);
  REQUIRE(log.empty());
  Clock after_third = memory.history().clock();

  // A reader of stream 1 is not before it, one of stream 2 is.
  begin(memory, 2, after_third);
  memory.fill(a, 0, 4, 64, log);
  REQUIRE(kinds(log) == std::vector{FaultKind::race_operations});
}

// Broken: of two unordered readers only the last is remembered.
TEST_CASE("a writer is held against every reader", "[simt]") {
  Memory memory;
  ReportLog log;
  std::vector<float> data(64, 1.0f);
  const std::uint64_t a = memory.allocate(256);
  Clock none;
  begin(memory, 0, none);
  memory.write_from_host(a, data.data(), 256, log);
  const Clock start = memory.history().clock();
  begin(memory, 1, start);
  memory.read_to_host(data.data(), a, 256, log);
  Clock both = memory.history().clock();
  begin(memory, 2, start);
  memory.read_to_host(data.data(), a, 256, log);
  const Clock second = memory.history().clock();
  REQUIRE(log.empty());
  SECTION("the writer waits for one of them") {
    begin(memory, 3, second);
    memory.fill(a, 0, 4, 64, log);
    REQUIRE(kinds(log) == std::vector{FaultKind::race_operations});
  }
  SECTION("the writer waits for both") {
    both.join(second);
    begin(memory, 3, both);
    memory.fill(a, 0, 4, 64, log);
    REQUIRE(log.empty());
  }
}
