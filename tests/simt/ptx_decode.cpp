// Decoding what nvcc emits: names, parameters, lines, calls, unknown instructions.
#include <algorithm>
#include <set>

#include "agon/error.h"

#include "catch.h"
#include "cuda/simt/program.h"
#include "ptx_compile.h"

using namespace agon::simt;
using ptx_test::contains;
using ptx_test::preamble;

namespace {

Module placed(const std::string& text) {
  REQUIRE_FALSE(text.empty());
  Module module(text);
  uint64_t next = 0x7f0000000000;
  module.place([&](const Variable& v) {
    const uint64_t address = next;
    next += (v.size + 511) / 256 * 256;
    return address;
  });
  return module;
}

size_t count(const Kernel& kernel, Op op) {
  return static_cast<size_t>(std::count_if(kernel.instructions.begin(), kernel.instructions.end(),
                                           [&](const Instruction& i) { return i.op == op; }));
}

const Instruction& first(const Kernel& kernel, Op op) {
  const auto found = std::find_if(kernel.instructions.begin(), kernel.instructions.end(),
                                  [&](const Instruction& i) { return i.op == op; });
  REQUIRE(found != kernel.instructions.end());
  return *found;
}

std::string error_of(const Module& module, const char* kernel) {
  try {
    module.kernel(kernel);
  } catch (const agon::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

// Broken: a parser that takes names for opcodes.
TEST_CASE("kernels, parameters and labels named as opcodes", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    extern "C" __global__ void add(float* mov, float* ld) { mov[threadIdx.x] += ld[threadIdx.x]; }
    extern "C" __global__ void ret(float* bra) { if (*bra > 1) *bra = 2; }
    extern "C" __global__ void call(float* exit) { *exit = 1; }
    extern "C" __global__ void setp(float* shared, int global) { shared[global] = 1; })"));
  CHECK(module.kernel_names() == std::vector<std::string>{"add", "ret", "call", "setp"});
  CHECK(count(module.kernel("add"), Op::AddF32) == 1);
  CHECK(count(module.kernel("ret"), Op::StGlobal) == 1);
  CHECK(count(module.kernel("call"), Op::StGlobal) == 1);
  CHECK(module.kernel("setp").param_bytes == 12);
  // Labels too, and names that nvcc would not write.
  const Module by_hand = placed(std::string(preamble) +
                                ".visible .entry mov(.param .u64 ld) {\n .reg .b64 add; .reg .b32 st;\n"
                                " ld.param.u64 add, [ld];\n mov.u32 st, 7;\nbra: st.global.u32 [add], st;\n"
                                " bra.uni exit;\nexit: ret;\n}\n");
  const Kernel& kernel = by_hand.kernel("mov");
  CHECK(count(kernel, Op::Bra) == 1);
  CHECK(first(kernel, Op::Bra).target == 4);
}

// Broken: parameters read at other offsets than the launch wrote them to.
TEST_CASE("kernel parameters lie as in C", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    struct Args { const float* x; int n; short s[3]; double d; };
    extern "C" __global__ void k(char c, Args a, float f, double d, float* out) {
      *out = c + a.x[a.n] + a.s[1] + a.d + f + d;
    })"));
  const Kernel& kernel = module.kernel("k");
  std::vector<uint32_t> offsets;
  for (const KernelParam& p : kernel.params) offsets.push_back(p.offset);
  CHECK(offsets == std::vector<uint32_t>{0, 8, 40, 48, 56});
  CHECK(kernel.param_bytes == 64);
  std::set<std::string> loads;  // offset:width
  for (const Instruction& i : kernel.instructions)
    if (i.op == Op::LdParam) {
      CHECK(i.a == no_operand);
      loads.insert(std::to_string(i.immediate) + ":" + std::to_string(i.width));
    }
  CHECK(loads == std::set<std::string>{"0:1", "8:8", "16:4", "20:2", "32:8", "40:4", "48:8", "56:8"});
}

// Broken: static and dynamic shared memory overlap, or lie unaligned.
TEST_CASE("shared memory: static first, dynamic behind", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    extern __shared__ __align__(128) float dynamic[];
    extern "C" __global__ void k(float* out) {
      __shared__ char c[5];
      __shared__ double d[3];
      c[threadIdx.x] = 1; d[threadIdx.x] = 2; dynamic[threadIdx.x + 3] = 3;
      __syncthreads();
      *out = c[4 - threadIdx.x] + d[2 - threadIdx.x] + dynamic[threadIdx.x];
    })"));
  const Kernel& kernel = module.kernel("k");
  CHECK(kernel.shared_bytes == 128);
  CHECK(kernel.shared_align == 128);
  CHECK(count(kernel, Op::StShared) == 3);
  CHECK(count(kernel, Op::BarSync) == 1);
  bool based = false;  // an address constant that is the start of the dynamic part
  for (const ConstantLine& line : kernel.constants) based |= line.lanes[0] == 128 && line.lanes[31] == 128;
  CHECK(based);
}

// Broken: reports that name another line than the one at fault, or lose who called it.
TEST_CASE("source lines through inlined calls", "[ptx]") {
  const Module module =
      placed(ptx_test::compile("__device__ __forceinline__ float leaf(float x) {\n"  // 1
                               "  return sqrtf(x);\n"                                // 2
                               "}\n"                                                 // 3
                               "__device__ __noinline__ float outer(float x) {\n"    // 4
                               "  return leaf(x) * x;\n"                             // 5
                               "}\n"                                                 // 6
                               "extern \"C\" __global__ void k(float* p) {\n"        // 7
                               "  float y = leaf(p[0]);\n"                           // 8
                               "  p[1] = outer(y);\n"                                // 9
                               "}\n"));
  const Kernel& kernel = module.kernel("k");
  std::vector<std::string> roots;
  for (const Instruction& i : kernel.instructions) {
    REQUIRE(i.line != 0);
    if (i.op == Op::SqrtF32) roots.push_back(describe_line(kernel, i.line));
  }
  REQUIRE(roots.size() == 2);
  CHECK(contains(roots[0], "source.cu:2 in leaf, from "));
  CHECK(contains(roots[0], "source.cu:8"));
  CHECK(contains(roots[1], "source.cu:2 in leaf, from "));
  CHECK(contains(roots[1], "source.cu:5 in outer, from "));
  CHECK(contains(roots[1], "source.cu:9"));
  CHECK(contains(describe_line(kernel, first(kernel, Op::StGlobal).line), "source.cu:9"));
}

// Broken: calls that lose arguments or results, or local memory of two calls that overlaps.
TEST_CASE("device functions are inlined", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    struct Big { int v[12]; };
    __device__ __noinline__ int leaf(int x) { return x * 3; }
    __device__ __noinline__ Big turn(Big b, int k) { b.v[k & 7]++; return b; }
    __device__ __noinline__ int deep(int x, int* p) { int a[4]; for (int i = 0; i < 4; ++i) a[i] = leaf(x + i); return a[p[0] & 3]; }
    extern "C" __global__ void k(int* p, Big b) {
      p[0] = leaf(p[1]) + deep(p[2], p);
      p[3] = turn(b, p[4]).v[p[5] & 7];
    })"));
  const Kernel& kernel = module.kernel("k");
  CHECK(kernel.local_bytes >= 96);
  CHECK(count(kernel, Op::Exit) >= 1);
  for (const Instruction& i : kernel.instructions)
    if (i.op == Op::LdLocal || i.op == Op::StLocal)
      if (i.a == no_operand) {
        CHECK(i.immediate + i.width * i.count <= static_cast<int>(kernel.local_bytes));
        CHECK(i.immediate % (i.width * i.count) == 0);
      }
}

// Broken: a recursive function that is inlined without end, or silently wrong.
TEST_CASE("recursion and calls by address are errors", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    __device__ __noinline__ int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
    extern "C" __global__ void recursive(int* p) { *p = fib(*p); }
    typedef int (*Function)(int);
    extern "C" __global__ void pointed(int* p, Function* f) { *p = f[1](*p); }
    extern "C" __global__ void fine(int* p) { *p = 1; })"));
  CHECK(contains(error_of(module, "recursive"),
                 "kernel recursive: unknown instruction call.uni: fib calls itself"));
  CHECK(contains(error_of(module, "pointed"), "by address"));
  CHECK(module.kernel("fine").instructions.size() > 1);
}

// Broken: an instruction the device does not know is guessed at, or spoils kernels that do not use it.
TEST_CASE("unknown instructions are errors of the kernel that has them", "[ptx]") {
  const auto entry = [](const char* name, const char* line) {
    return std::string(".visible .entry ") + name +
           "() {\n.reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>; .reg .pred %p<9>;\n" + line +
           "\nret;\n}\n";
  };
  const Module module =
      placed(std::string(preamble) + entry("opcode", "frobnicate.b32 %r1, %r2;") +
             entry("modifier", "add.rq.f32 %f1, %f2, %f3;") + entry("type", "shl.f32 %f1, %f2, 3;") +
             entry("operands", "add.f32 %f1, %f2, %f3, %f4;") + entry("few", "add.f32 %f1, %f2;") +
             entry("width", "add.s32 %rd1, %r1, %r2;") + entry("symbol", "mov.u64 %rd1, nothing;") +
             entry("label", "bra nowhere;") + entry("special", "mov.u32 %r1, %pm0;") +
             entry("shape", "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f1};") +
             entry("sync", "shfl.down.b32 %r1, %r2, %r3, %r4;") + entry("good", "add.f32 %f1, %f2, %f3;"));
  CHECK(
      contains(error_of(module, "opcode"), "kernel opcode: unknown instruction frobnicate.b32 (PTX line 6)"));
  CHECK(contains(error_of(module, "modifier"), "add.rq.f32: modifier .rq"));
  CHECK(contains(error_of(module, "type"), "shl.f32"));
  CHECK(contains(error_of(module, "operands"), "4 operands"));
  CHECK(contains(error_of(module, "few"), "only 2 operands"));
  CHECK(contains(error_of(module, "width"), "width"));
  CHECK(contains(error_of(module, "symbol"), "nothing is named nothing"));
  CHECK(contains(error_of(module, "label"), "no label nowhere"));
  CHECK(contains(error_of(module, "special"), "%pm0"));
  CHECK(contains(error_of(module, "shape"), "mma.sync"));
  CHECK(contains(error_of(module, "sync"), "shfl.down.b32"));
  CHECK(error_of(module, "good").empty());
  CHECK(contains(error_of(module, "missing"), "no kernel is named missing"));
}

// Broken: registers, labels or tables of an inline-assembler block that leak out of their braces.
TEST_CASE("scopes of inline assembler", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    extern "C" __global__ void k(unsigned* p) {
      for (int i = 0; i < 2; ++i) {
        unsigned r = p[i];
        asm volatile("{\n .reg .pred P;\n .reg .b32 t;\n setp.eq.u32 P, %0, 0;\n @P bra DONE;\n"
                     " add.u32 t, %0, 1;\n mov.u32 %0, t;\n DONE:\n}" : "+r"(r));
        p[i] = r;
      }
    })"));
  const Kernel& kernel = module.kernel("k");
  std::vector<const Instruction*> branches;
  for (const Instruction& i : kernel.instructions)
    if (i.op == Op::Bra && i.guard != always_true) branches.push_back(&i);
  REQUIRE(branches.size() == 2);  // unrolled: two blocks, each with a DONE of its own
  CHECK(branches[0]->target < branches[1]->target);
  CHECK(branches[0]->reconverge == branches[0]->target);
  CHECK(branches[1]->reconverge == branches[1]->target);
}

// Broken: system calls that are not recognised, or whose arguments are mixed up.
TEST_CASE("printf, assert and device memory", "[ptx]") {
  const Module module = placed(ptx_test::compile(R"(
    #include <cassert>
    #include <cstdio>
    extern "C" __global__ void k(int* p) {
      assert(p[0] > 3);
      printf("%d %s\n", p[1], "text");
      int* q = new int[4];
      q[p[2]] = 1;
      p[3] = q[p[4]];
      delete[] q;
    })"));
  const Kernel& kernel = module.kernel("k");
  CHECK(first(kernel, Op::AssertFail).count == 5);
  CHECK(first(kernel, Op::Vprintf).a != no_operand);
  CHECK(first(kernel, Op::Vprintf).b != no_operand);
  CHECK(count(kernel, Op::DeviceMalloc) == 1);
  CHECK(count(kernel, Op::DeviceFree) == 1);
}

// Broken: launch bounds that a launch is not checked against.
TEST_CASE("launch bounds", "[ptx]") {
  const Module module = placed(
      ptx_test::compile("extern \"C\" __global__ void __launch_bounds__(128, 2) k(int* p) { *p = 1; }\n"
                        "extern \"C\" __global__ void free_size(int* p) { *p = 1; }"));
  CHECK(module.kernel("k").max_threads == std::array<uint32_t, 3>{128, 1, 1});
  CHECK(module.kernel("free_size").max_threads == std::array<uint32_t, 3>{0, 0, 0});
  CHECK(&module.kernel("k") == &module.kernel("k"));
}
