#include <dlfcn.h>

#include "agon/cuda.h"

#include "catch.h"
#include "cuda/device.h"

using namespace agon;

namespace {

/// A function of the CUDA runtime that serves this process; null before a backend was opened.
template <class Function>
Function* runtime_function(const char* name) {
  void* library = ::dlopen(AGON_CUDART_NAME, RTLD_NOW | RTLD_NOLOAD);
  return library != nullptr ? reinterpret_cast<Function*>(::dlsym(library, name)) : nullptr;
}

}  // namespace

// An embedding program could not order Agon's work with its own, or would race with it.
TEST_CASE("a backend works on the caller's stream") {
  const auto first = device("a backend works on the caller's stream");  // loads the runtime
  if (!first) return;
  const std::string name(first->name());
  auto* create = runtime_function<int(void**)>("cudaStreamCreate");
  auto* destroy = runtime_function<int(void*)>("cudaStreamDestroy");
  auto* query = runtime_function<int(void*)>("cudaStreamQuery");
  auto* wait = runtime_function<int(void*)>("cudaStreamSynchronize");
  REQUIRE(create != nullptr);
  REQUIRE(query != nullptr);
  void* stream = nullptr;
  REQUIRE(create(&stream) == 0);
  {
    const auto backend = open_backend_on_stream(name, stream);
    const auto store = backend->make_store();
    Graph g;
    const Value s = g.state("s", {4});
    g.assign(s, s + 1);
    g.output("s", s * 10);
    const auto program = backend->compile(g, *store, {});
    REQUIRE(wait(stream) == 0);
    CHECK(query(stream) == 0);
    program->run(0);
    if (name == "simt") CHECK(query(stream) != 0);  // the run is on this stream, and waits
    REQUIRE(wait(stream) == 0);
    CHECK(store->read("s").as<float>()[3] == 1);
  }
  CHECK(destroy(stream) == 0);
  CHECK_THROWS_AS(open_backend_on_stream("cpu", stream), Error);
}

// A program that works on the default stream, as most do, could not embed Agon: that stream cannot be
// captured. And an error that the program's own calls left behind would be taken for a kernel's.
TEST_CASE("a backend works on the default stream, whatever failed before") {
  const auto first = device("a backend works on the default stream");
  if (!first) return;
  auto* set_device = runtime_function<int(int)>("cudaSetDevice");
  auto* wait = runtime_function<int(void*)>("cudaStreamSynchronize");
  REQUIRE(set_device != nullptr);
  const auto backend = open_backend_on_stream(first->name(), nullptr);
  const auto store = backend->make_store();
  Graph g;
  const Value s = g.state("s", {4});
  g.assign(s, s + 1);
  CHECK(set_device(9999) != 0);
  const auto program = backend->compile(g, *store, {});
  program->run(0);
  CHECK(wait(nullptr) == 0);
  CHECK(store->read("s").as<float>()[3] == 1);
}
