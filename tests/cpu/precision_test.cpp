#include "agon/program.h"

#include "backend/cpu/onednn.h"
#include "catch.h"

using namespace agon;

// Were the processor not asked, bf16 would end in "could not create a primitive" or run for hours.
TEST_CASE("a processor without bf16 is told from one with it, and says what to do") {
  CHECK(cpu::against_bf16(dnnl::cpu_isa::avx512_core_bf16).empty());
  for (const auto isa : {dnnl::cpu_isa::sse41, dnnl::cpu_isa::avx2, dnnl::cpu_isa::avx512_core}) {
    const std::string reason = cpu::against_bf16(isa);
    CHECK(reason.find("avx512_bf16") != std::string::npos);
    CHECK(reason.find("precision = \"f32\"") != std::string::npos);
  }
}

// Were tf32 taken for f32 in silence, a run would be reported under a precision it did not have.
TEST_CASE("cpu refuses tf32") {
  const auto backend = open_backend("cpu");
  const auto store = backend->make_store();
  CHECK_THROWS_WITH(backend->compile(Graph(), *store, {.precision = Precision::tf32}),
                    Catch::Contains("tf32 is for CUDA devices"));
}
