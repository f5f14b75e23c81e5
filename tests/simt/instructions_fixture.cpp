#include "instructions_fixture.h"

#include <cmath>
#include <random>

#include "catch.h"

namespace agon::simt::instruction_test {

std::string kernel_text(const std::string& body, const std::string& declarations) {
  std::string text = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry test(.param .u64 in, .param .u64 out)
{
  .reg .b64 %in, %out, %offset, %r, %a<3>, %q<12>;
  .reg .b32 %me, %home, %width, %thread, %x<3>, %y<24>;
  .reg .b16 %h<12>;
  .reg .f32 %f<3>, %e<12>;
  .reg .f64 %g<3>, %d<12>;
  .reg .pred %p<12>;
)" + declarations + R"(
  ld.param.u64 %in, [in];
  ld.param.u64 %out, [out];
  mov.u32 %me, %tid.x;
  mov.u32 %home, %ctaid.x;
  mov.u32 %width, %ntid.x;
  mad.lo.u32 %thread, %home, %width, %me;
  mad.wide.u32 %in, %thread, 24, %in;
  mad.wide.u32 %out, %thread, 8, %out;
  ld.global.b64 %a0, [%in];
  ld.global.b64 %a1, [%in+8];
  ld.global.b64 %a2, [%in+16];
)";
  for (int k = 0; k < 3; ++k) {
    const std::string n = std::to_string(k);
    text += "  cvt.u32.u64 %x" + n + ", %a" + n + ";\n  mov.b32 %f" + n + ", %x" + n + ";\n  mov.b64 %g" + n +
            ", %a" + n + ";\n  cvt.u16.u32 %h" + n + ", %x" + n + ";\n";
  }
  return text + "  mov.u64 %r, 0;\n" + body + "\n  st.global.b64 [%out], %r;\n  ret;\n}\n";
}

void place(Module& module, Memory& memory) {
  module.place([&](const Variable& variable) {
    return memory.allocate(variable.size, AllocationKind::device, variable.name);
  });
  // Only now are the addresses among the initial values right.
  ReportLog log;
  for (const Variable& variable : module.variables())
    memory.write_from_host(variable.address, variable.initial.data(), variable.size, log);
}

LaunchResult run_text(const std::string& text, const std::string& name,
                      std::vector<std::vector<std::uint8_t>>& buffers, const Shape& shape,
                      std::uint32_t dynamic_shared) {
  Module module(text);
  Memory memory;
  ReportLog log;
  memory.history().begin(0, {});
  place(module, memory);
  std::vector<std::byte> params;
  std::vector<std::uint64_t> addresses;
  for (const std::vector<std::uint8_t>& buffer : buffers) {
    addresses.push_back(memory.allocate(buffer.size()));
    memory.write_from_host(addresses.back(), buffer.data(), buffer.size(), log);
    const auto* raw = reinterpret_cast<const std::byte*>(&addresses.back());
    params.insert(params.end(), raw, raw + 8);
  }
  Launch launch;
  launch.module = &module;
  launch.kernel = &module.kernel(name);
  launch.grid.x = shape.blocks;
  launch.block.x = shape.threads;
  launch.dynamic_shared = dynamic_shared;
  launch.params = params;
  launch.seed = launch.approximation = shape.seed;
  launch.cooperative = shape.cooperative;
  Clock clock;
  clock.raise(0, memory.history().current());
  launch.operation = memory.history().begin(0, clock);
  Options options;
  options.checks = shape.checks;
  options.threads = shape.host_threads;
  options.instruction_limit = 50'000'000;
  LaunchResult result = run(launch, memory, options);
  clock.raise(0, memory.history().current());
  memory.history().begin(0, clock);
  for (std::size_t i = 0; i < buffers.size(); ++i)
    memory.read_to_host(buffers[i].data(), addresses[i], buffers[i].size(), log);
  return result;
}

Outcome run_body(const std::string& body, const std::vector<std::uint64_t>& in, const Shape& shape,
                 const std::string& declarations) {
  const std::size_t threads = std::size_t{shape.threads} * shape.blocks;
  REQUIRE(in.size() >= 3 * threads);
  std::vector<std::vector<std::uint8_t>> buffers(2);
  buffers[0].resize(in.size() * 8);
  std::memcpy(buffers[0].data(), in.data(), buffers[0].size());
  buffers[1].resize(threads * 8);
  Outcome outcome;
  outcome.result = run_text(kernel_text(body, declarations), "test", buffers, shape);
  outcome.out.resize(threads);
  std::memcpy(outcome.out.data(), buffers[1].data(), buffers[1].size());
  return outcome;
}

std::vector<std::uint64_t> edge_operands(std::uint64_t seed, int threads) {
  std::mt19937_64 random(seed);
  const std::uint64_t edges[] = {0,
                                 1,
                                 2,
                                 31,
                                 32,
                                 33,
                                 63,
                                 64,
                                 0x7f,
                                 0x80,
                                 0xff,
                                 0x7fff,
                                 0x8000,
                                 0xffff,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0xffffffffffffffff};
  std::vector<std::uint64_t> out(static_cast<std::size_t>(threads) * 3);
  for (std::uint64_t& value : out) {
    const std::uint64_t kind = random() % 4;
    value = kind == 0   ? edges[random() % std::size(edges)]
            : kind == 1 ? random() >> (random() % 64)
                        : random();
  }
  return out;
}

std::vector<std::uint64_t> float_operands(std::uint64_t seed, bool single, int threads) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<std::uint64_t> out(static_cast<std::size_t>(threads) * 3);
  for (std::uint64_t& value : out) {
    const double x = std::ldexp(normal(random), static_cast<int>(random() % 24) - 12);
    value = single ? bits(static_cast<float>(x)) : bits(x);
  }
  return out;
}

std::string texts(const LaunchResult& result) {
  std::string out;
  for (const Report& report : result.reports)
    out += std::string(name(report.kind)) + ": " + report.message + "\n";
  return out;
}

}  // namespace agon::simt::instruction_test
