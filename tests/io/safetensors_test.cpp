#include "agon/safetensors.h"

#include <array>
#include <cstring>

#include "agon/philox.h"

#include "catch.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;

namespace {

Tensor random_tensor(DType dtype, Shape shape, uint32_t stream) {
  Tensor tensor(dtype, shape);
  PhiloxStream random(5, 0, stream);
  for (std::byte& b : tensor.bytes()) b = static_cast<std::byte>(random.next() & 0x3f);
  return tensor;
}

/// A file with this header text and `data` zero bytes.
void write_raw(const std::filesystem::path& path, const std::string& header, size_t data) {
  const uint64_t size = header.size();
  std::string file(reinterpret_cast<const char*>(&size), sizeof size);
  write_file(path, file + header + std::string(data, '\0'));
}

}  // namespace

// Were a dtype, shape or byte lost, a resumed run would not equal the one that was killed.
TEST_CASE("safetensors round-trips every dtype, shape and metadata string") {
  Scratch folder;
  const auto path = folder / "w.safetensors";
  std::vector<NamedTensor> tensors;
  uint32_t stream = 0;
  for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i64, DType::i32, DType::u8})
    for (const Shape& shape : {Shape{3, 5, 1, 7}, Shape{}, Shape{0, 4}, Shape{11}}) {
      tensors.push_back({fmt::format("t.{}", stream), random_tensor(dtype, shape, stream)});
      ++stream;
    }
  const std::map<std::string, std::string> metadata{{"step", "12"}, {"quote \"\n", "ünïcode"}};
  const uint32_t crc = write_safetensors(path, tensors, metadata);
  CHECK(crc == crc32_of(read_file(path)));

  const Safetensors back = read_safetensors(path);
  CHECK(back.metadata == metadata);
  REQUIRE(back.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor* found = back.find(name);
    REQUIRE(found);
    CHECK(found->dtype() == tensor.dtype());
    CHECK(found->shape() == tensor.shape());
    CHECK(std::ranges::equal(found->bytes(), tensor.bytes()));
  }
  CHECK(back.find("absent") == nullptr);
  write_safetensors(folder / "again", tensors, metadata);
  CHECK(read_file(folder / "again") == read_file(path));
}

// Were the bytes not the published layout, no other program could read our weights.
TEST_CASE("safetensors has the published layout") {
  Scratch folder;
  const std::array<float, 2> values{1.0f, -2.0f};
  const std::vector<NamedTensor> tensors{{"ab", Tensor::of<float>({1, 2}, values)}};
  write_safetensors(folder / "f", tensors);
  const auto file = read_file(folder / "f");
  const std::string header = R"({"ab":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}       )";
  REQUIRE(header.size() % 8 == 0);
  REQUIRE(file.size() == 8 + header.size() + 8);
  CHECK(static_cast<size_t>(file[0]) == header.size());
  CHECK(std::memcmp(file.data() + 8, header.data(), header.size()) == 0);
  CHECK(std::memcmp(file.data() + 8 + header.size(), values.data(), 8) == 0);
}

// Were a check missing, a damaged checkpoint would crash the program or load wrong weights.
TEST_CASE("damaged and hostile safetensors files are refused") {
  Scratch folder;
  const auto path = folder / "bad.safetensors";
  const auto refused = [&](const std::string& header, size_t data, const std::string& words) {
    write_raw(path, header, data);
    const std::string message = error_of(ErrorKind::data, [&] { read_safetensors(path); });
    INFO(header << " -> " << message);
    CHECK(mentions(message, path.string()));
    CHECK(mentions(message, words));
  };
  refused("[]", 0, "no JSON object");
  refused("{", 0, "no JSON object");
  refused(std::string(100000, '['), 0, "no JSON object");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7, "outside of the file");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9, "promises 8");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,0]}})", 8, "outside of the file");
  refused(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "differ in size");
  refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8, "bad shape");
  refused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8, "too large");
  refused(R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776,0],"data_offsets":[0,0]}})", 0,
          "too large");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8,
          "outside of the file");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "bad data_offsets");
  refused(R"({"a":{"dtype":3,"shape":[2],"data_offsets":[0,8]}})", 8, "no string");
  refused(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "data_offsets");
  refused(R"({"a":7})", 0, "no dtype");
  refused(
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
      6, "overlaps");
  refused(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6, "hole");
  refused(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      1, "named twice");
  refused(R"({"__metadata__":{"a":1}})", 0, "no string");

  write_raw(path, R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4);
  CHECK(mentions(error_of(ErrorKind::unsupported, [&] { read_safetensors(path); }), "F16"));
  write_raw(path, R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1);
  CHECK(mentions(error_of(ErrorKind::unsupported, [&] { read_safetensors(path); }), "7 dimensions"));
  write_file(path, "short");
  error_of(ErrorKind::data, [&] { read_safetensors(path); });
  write_file(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}");
  CHECK(mentions(error_of(ErrorKind::data, [&] { read_safetensors(path); }), "truncated"));
}

// Were any truncation accepted or read past the end, a half-copied file would pass for whole.
TEST_CASE("every truncation of a safetensors file is refused") {
  Scratch folder;
  const std::vector<NamedTensor> tensors{{"a", random_tensor(DType::f32, {3}, 0)},
                                         {"b", random_tensor(DType::u8, {5}, 1)}};
  write_safetensors(folder / "f", tensors, {{"k", "v"}});
  const auto whole = read_file(folder / "f");
  for (size_t size = 0; size < whole.size(); ++size) {
    write_file(folder / "cut", std::span(whole).first(size));
    CHECK_THROWS_AS(read_safetensors(folder / "cut"), Error);
  }
}

// Were a repeated name written, half of a model would silently overwrite the other.
TEST_CASE("a repeated tensor name is refused before anything is written") {
  Scratch folder;
  const std::vector<NamedTensor> tensors{{"a", Tensor(DType::f32, {1})}, {"a", Tensor(DType::f32, {1})}};
  error_of(ErrorKind::usage, [&] { write_safetensors(folder / "f", tensors); });
  CHECK(folder.entries() == 0);
}
