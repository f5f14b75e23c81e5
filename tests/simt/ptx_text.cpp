// The text of PTX: tokens, modules, initial values, fat binaries.
#include <cstring>

#include "agon/error.h"

#include "catch.h"
#include "cuda/simt/program.h"
#include "cuda/simt/ptx/fatbin.h"
#include "cuda/simt/ptx/lexer.h"
#include "ptx_compile.h"

using namespace agon::simt;
using ptx_test::contains;
using ptx_test::preamble;

namespace {

std::string message(const std::function<void()>& run) {
  try {
    run();
  } catch (const agon::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

// Broken: text that is cut into other tokens than the PTX manual's.
TEST_CASE("PTX tokens", "[ptx]") {
  ptx::Lexer lexer(
      "ld.global.L1::no_allocate.v4.f32 /* x\n */ {%f1, $L__BB0_1}; // end\n\"a;b\" 0f3F800000 -0x1F 9.0");
  CHECK(lexer.word("opcode") == "ld");
  CHECK(lexer.dotted("space") == "global");
  CHECK(lexer.dotted("hint") == "L1::no_allocate");
  CHECK(lexer.dotted("vector") == "v4");
  CHECK(lexer.dotted("type") == "f32");
  CHECK(lexer.peek().line == 2);
  lexer.expect('{');
  CHECK(lexer.word("register") == "%f1");
  lexer.expect(',');
  CHECK(lexer.word("label") == "$L__BB0_1");
  lexer.expect('}');
  lexer.expect(';');
  CHECK(lexer.peek().kind == ptx::TokenKind::string);
  CHECK(lexer.take().text == "a;b");
  uint64_t bits = 0;
  bool is_double = true;
  CHECK(ptx::float_bits(lexer.take().text, bits, is_double));
  CHECK(bits == 0x3F800000);
  CHECK_FALSE(is_double);
  CHECK(lexer.integer() == -31);
  CHECK(lexer.take().text == "9.0");
  CHECK(lexer.peek().kind == ptx::TokenKind::end);
}

// Broken: variables that start with other bytes than nvcc wrote, above all addresses inside them.
TEST_CASE("PTX initial values", "[ptx]") {
  Module module(std::string(preamble) +
                ".global .align 4 .u32 counter;\n"
                ".const .align 4 .f32 half = 0f3F000000;\n"
                ".global .align 8 .u64 pointers[3] = {generic(counter), generic(table)+8, 5};\n"
                ".global .align 8 .b8 bytes[12] = {1, 0xFF(generic(table)), 0xFF00(generic(table)), -1};\n"
                ".global .align 8 .b8 table[32];\n"
                ".visible .const .align 2 .u16 shorts[4] = {1, 65535, 3};\n");
  uint64_t next = 0x7f1234560000;
  module.place([&](const Variable& v) {
    next += 256;
    CHECK(next % v.align == 0);
    return next;
  });
  const auto value = [&](const char* name, size_t offset, size_t bytes) {
    const Variable* v = module.find_variable(name);
    REQUIRE(v != nullptr);
    REQUIRE(v->initial.size() == v->size);
    uint64_t bits = 0;
    std::memcpy(&bits, v->initial.data() + offset, bytes);
    return bits;
  };
  CHECK(module.find_variable("half")->space == Space::constant);
  CHECK(value("half", 0, 4) == 0x3F000000);
  CHECK(value("pointers", 0, 8) == module.find_variable("counter")->address);
  CHECK(value("pointers", 8, 8) == module.find_variable("table")->address + 8);
  CHECK(value("pointers", 16, 8) == 5);
  const uint64_t table = module.find_variable("table")->address;
  CHECK(value("bytes", 0, 1) == 1);
  CHECK(value("bytes", 1, 1) == (table & 0xff));
  CHECK(value("bytes", 2, 1) == (table >> 8 & 0xff));
  CHECK(value("bytes", 3, 1) == 0xff);
  CHECK(value("bytes", 4, 8) == 0);
  CHECK(module.find_variable("shorts")->size == 8);
  CHECK(value("shorts", 2, 2) == 0xffff);
  CHECK(module.find_variable("none") == nullptr);
}

// Broken: a malformed module that is taken for a sound one, or an error that does not say where.
TEST_CASE("PTX module errors name their line", "[ptx]") {
  CHECK(contains(message([] { Module(std::string(preamble) + ".surfref x;\n"); }), "PTX line 4"));
  CHECK(contains(message([] { Module(std::string(preamble) + "\n.entry k() { ret;\n"); }),
                 "'{' without its '}'"));
  CHECK(contains(message([] { Module(std::string(preamble) + ".global .b7 x;\n"); }), ".b7"));
  CHECK(contains(message([] { Module(std::string(preamble) + ".global .u32 x; .global .u32 x;\n"); }),
                 "second definition"));
}

// Broken: what nvcc puts into a library is not found, or unreadable PTX is taken for text.
TEST_CASE("fat binaries from nvcc", "[ptx]") {
  const std::string source = "extern \"C\" __global__ void k(float* a) { a[threadIdx.x] *= 2; }";
  const std::string plain = ptx_test::fatbin(
      source, "--no-compress -gencode arch=compute_80,code=sm_80 -gencode arch=compute_80,code=compute_80");
  REQUIRE_FALSE(plain.empty());
  const std::vector<FatbinEntry> entries = fatbin_entries(plain.data());
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].ptx != entries[1].ptx);
  CHECK(entries[0].arch == 80);
  const Module module(fatbin_ptx(plain.data()));
  CHECK(module.kernel_names() == std::vector<std::string>{"k"});
  // As the registration gets it: behind a wrapper.
  struct {
    uint32_t magic = 0x466243b1, version = 1;
    const void* data = nullptr;
    void* unused = nullptr;
  } wrapper;
  wrapper.data = plain.data();
  CHECK(fatbin_ptx(&wrapper) == fatbin_ptx(plain.data()));

  const std::string compressed =
      ptx_test::fatbin(source, "--compress-mode=size -gencode arch=compute_80,code=compute_80");
  if (!compressed.empty() && fatbin_entries(compressed.data())[0].compressed)
    CHECK(contains(message([&] { fatbin_ptx(compressed.data()); }), "--no-compress"));
  const std::string other =
      ptx_test::fatbin(source, "--no-compress -gencode arch=compute_90,code=compute_90");
  CHECK(contains(message([&] { fatbin_ptx(other.data()); }), "no PTX for compute_80 among [PTX 90]"));
  std::string broken = plain;
  broken[0] = 'x';
  CHECK(contains(message([&] { fatbin_entries(broken.data()); }), "magic"));
  broken = plain;
  broken[16 + 8 + 6] = 1;  // the first payload's size
  CHECK(contains(message([&] { fatbin_entries(broken.data()); }), "longer than the image"));
  CHECK(contains(message([] { fatbin_entries(nullptr); }), "null"));
}
