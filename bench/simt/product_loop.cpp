#include "product_loop.h"

#include <fmt/format.h>

namespace agon::bench {

namespace {

constexpr const char* header = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// Accumulators %c0 .. at zero, and the loop's begin; `counter` counts its steps.
std::string begin_loop(int accumulators, const char* counter) {
  std::string text;
  for (int i = 0; i < accumulators; ++i) text += fmt::format("  mov.f32 %c{}, 0f00000000;\n", i);
  return text + fmt::format("  mov.u32 {}, 0;\nLOOP:\n", counter);
}

/// The loop's end, and the accumulators stored at `out`, 256 threads a block; %r0 is the thread.
std::string end_loop(int steps, int accumulators, const char* counter) {
  std::string text = fmt::format(R"(  add.u32 {0}, {0}, 1;
  setp.lt.u32 %p0, {0}, {1};
  @%p0 bra LOOP;
  mov.u32 {0}, %ctaid.x;
  shl.b32 {0}, {0}, 8;
  add.u32 {0}, {0}, %r0;
  mad.wide.u32 %o1, {0}, {2}, %o0;
)",
                                 counter, steps, 4 * accumulators);
  for (int i = 0; i < accumulators; i += 4)
    text += fmt::format("  st.global.v4.f32 [%o1+{}], {{%c{}, %c{}, %c{}, %c{}}};\n", 4 * i, i, i + 1, i + 2,
                        i + 3);
  return text + "  ret;\n}\n";
}

}  // namespace

std::string product_loop(int steps) {
  std::string text = header;
  text += R"(.visible .entry product(.param .u64 out)
{
  .reg .b64 %o<4>;
  .reg .b32 %r<24>;
  .reg .f32 %a<8>, %b<8>, %c<64>, %v<4>;
  .reg .pred %p<4>;
  .shared .align 16 .b8 tiles[8192];
  ld.param.u64 %o0, [out];
  mov.u32 %r0, %tid.x;
  mov.u32 %r1, tiles;
  // Fill: 8 floats a thread.
  shl.b32 %r2, %r0, 4;
  add.u32 %r3, %r1, %r2;
  cvt.rn.f32.u32 %v0, %r0;
  mul.f32 %v0, %v0, 0f3B800000;
  add.f32 %v1, %v0, 0f3F800000;
  st.shared.v4.f32 [%r3], {%v0, %v1, %v1, %v0};
  st.shared.v4.f32 [%r3+4096], {%v1, %v0, %v1, %v0};
  // Thread (x, y) of 16 x 16: columns 4x and 64 + 4x, rows 4y and 64 + 4y.
  and.b32 %r4, %r0, 15;
  shr.u32 %r5, %r0, 4;
  shl.b32 %r4, %r4, 4;
  shl.b32 %r5, %r5, 4;
  add.u32 %r6, %r1, %r5;
  add.u32 %r7, %r1, %r4;
)";
  text += begin_loop(64, "%r8") + "  bar.sync 0;\n";
  for (int k = 0; k < 8; ++k) {
    for (int half = 0; half < 2; ++half) {
      text += fmt::format("  ld.shared.v4.f32 {{%a{}, %a{}, %a{}, %a{}}}, [%r6+{}];\n", 4 * half,
                          4 * half + 1, 4 * half + 2, 4 * half + 3, 512 * k + 256 * half);
      text += fmt::format("  ld.shared.v4.f32 {{%b{}, %b{}, %b{}, %b{}}}, [%r7+{}];\n", 4 * half,
                          4 * half + 1, 4 * half + 2, 4 * half + 3, 4096 + 512 * k + 256 * half);
    }
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 8; ++j)
        text += fmt::format("  fma.rn.f32 %c{0}, %a{1}, %b{2}, %c{0};\n", 8 * i + j, i, j);
  }
  return text + end_loop(steps, 64, "%r8");
}

std::string mma_loop(int steps) {
  std::string text = header;
  text += R"(.visible .entry product(.param .u64 out)
{
  .reg .b64 %o<4>;
  .reg .b32 %r<8>, %a<16>, %b<16>;
  .reg .f32 %c<128>;
  .reg .pred %p<4>;
  ld.param.u64 %o0, [out];
  mov.u32 %r0, %tid.x;
)";
  for (int i = 0; i < 16; ++i)
    text += fmt::format("  add.u32 %a{0}, %r0, {1};\n  or.b32 %b{0}, %r0, {1};\n", i, 0x3f803f80 + i);
  text += begin_loop(128, "%r2");
  for (int m = 0; m < 4; ++m)
    for (int n = 0; n < 8; ++n) {
      const int c = 4 * (8 * m + n);
      text += fmt::format(
          "  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {{%c{0}, %c{1}, %c{2}, %c{3}}}, {{%a{4}, "
          "%a{5}, %a{6}, "
          "%a{7}}}, {{%b{8}, %b{9}}}, {{%c{0}, %c{1}, %c{2}, %c{3}}};\n",
          c, c + 1, c + 2, c + 3, 4 * m, 4 * m + 1, 4 * m + 2, 4 * m + 3, 2 * n, 2 * n + 1);
    }
  return text + end_loop(steps, 128, "%r2");
}

}  // namespace agon::bench
