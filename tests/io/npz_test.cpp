#include "agon/npz.h"

#include <cstring>
#include <numeric>

#include "catch.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;

namespace {

const std::filesystem::path fixtures = AGON_SOURCE_DIR "/tests/io/fixtures";

const Tensor& find(const std::vector<NamedTensor>& tensors, const std::string& name) {
  for (const NamedTensor& entry : tensors)
    if (entry.name == name) return entry.tensor;
  FAIL("no array " << name);
  throw std::logic_error(name);
}

Tensor counting(DType dtype, Shape shape) {
  Tensor tensor(DType::f64, shape);
  std::iota(tensor.as<double>().begin(), tensor.as<double>().end(), 1.0);
  return tensor.to(dtype);
}

std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + data;
}

}  // namespace

// Were Fortran order, byte order or deflate misread, the reference statistics of FID would be scrambled.
TEST_CASE("what NumPy writes is read: types, byte and axis orders, stored and deflated") {
  // NumPy 2.4, with a = arange(24).reshape(2, 3, 4) - 11.5:
  // savez_compressed(f4=a.astype('<f4'), f8=asfortranarray(a), big=a.astype('>f8'), i4=arange(-3, 4),
  // i8=array(-2**60), u1=arange(256).reshape(16, 16), b1=array([True, False]), empty=zeros((0, 3), 'f4'))
  const auto packed = read_npz(fixtures / "numpy.npz");
  CHECK(packed.size() == 8);
  for (const char* name : {"f4", "f8", "big"}) {
    const Tensor& a = find(packed, name);
    CHECK(a.shape() == Shape{2, 3, 4});
    CHECK(a.dtype() == (std::string(name) == "f4" ? DType::f32 : DType::f64));
    const Tensor wide = a.to(DType::f64);
    for (size_t i = 0; i < 24; ++i) CHECK(wide.as<double>()[i] == static_cast<double>(i) - 11.5);
  }
  const Tensor& i4 = find(packed, "i4");
  REQUIRE(i4.shape() == Shape{7});
  for (int i = 0; i < 7; ++i) CHECK(i4.as<int32_t>()[static_cast<size_t>(i)] == i - 3);
  const Tensor& i8 = find(packed, "i8");
  REQUIRE(i8.shape() == Shape{});
  CHECK(i8.as<int64_t>()[0] == -(int64_t{1} << 60));
  const Tensor& u1 = find(packed, "u1");
  for (size_t i = 0; i < 256; ++i) CHECK(u1.as<uint8_t>()[i] == i);
  const Tensor& b1 = find(packed, "b1");
  CHECK((b1.as<uint8_t>()[0] == 1 && b1.as<uint8_t>()[1] == 0));
  CHECK(find(packed, "empty").shape() == Shape{0, 3});

  // savez(mu=linspace(0, 1, 5), sigma=asfortranarray(arange(25.).reshape(5, 5)))
  const auto stored = read_npz(fixtures / "stored.npz");
  CHECK(stored[0].name == "mu");
  CHECK(find(stored, "mu").as<double>()[3] == 0.75);
  for (size_t i = 0; i < 25; ++i) CHECK(find(stored, "sigma").as<double>()[i] == static_cast<double>(i));
}

// Were writing not the inverse of reading, saved statistics would not be those that were computed.
TEST_CASE("npz and npy round-trip every type and shape") {
  Scratch folder;
  std::vector<NamedTensor> tensors;
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64, DType::u8})
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{3, 4}, Shape{2, 0}, Shape{70, 30, 2}})
      tensors.push_back({fmt::format("{}{}", name_of(dtype), shape.str()), counting(dtype, shape)});
  for (const bool compress : {false, true}) {
    const auto path = folder / (compress ? "packed.npz" : "stored.npz");
    write_npz(path, tensors, compress);
    const auto back = read_npz(path);
    REQUIRE(back.size() == tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      CHECK(back[i].name == tensors[i].name);
      CHECK(back[i].tensor.dtype() == tensors[i].tensor.dtype());
      CHECK(back[i].tensor.shape() == tensors[i].tensor.shape());
      CHECK(std::ranges::equal(back[i].tensor.bytes(), tensors[i].tensor.bytes()));
    }
    write_npz(folder / "again.npz", tensors, compress);
    CHECK(read_file(folder / "again.npz") == read_file(path));
  }
  CHECK(std::filesystem::file_size(folder / "packed.npz") <
        std::filesystem::file_size(folder / "stored.npz") / 2);
  write_npy(folder / "a.npy", tensors[2].tensor);
  CHECK(std::ranges::equal(read_npy(folder / "a.npy").bytes(), tensors[2].tensor.bytes()));
}

// Were the header not NumPy's to the byte, other readers would refuse our files.
TEST_CASE("npy has the published layout") {
  Scratch folder;
  write_npy(folder / "a.npy", counting(DType::f32, {3}));
  const auto file = read_file(folder / "a.npy");
  REQUIRE(file.size() == 128 + 12);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
  header += std::string(117 - header.size(), ' ') + "\n";
  const std::string expected = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header;
  CHECK(std::memcmp(file.data(), expected.data(), 128) == 0);
}

// Were a damaged array read, a metric would be computed from garbage, or the program crash.
TEST_CASE("damaged and foreign npy files are refused") {
  Scratch folder;
  const auto path = folder / "a.npy";
  const auto refused = [&](ErrorKind kind, const std::string& file, const std::string& words) {
    write_file(path, file);
    const std::string message = error_of(kind, [&] { read_npy(path); });
    INFO(message);
    CHECK(mentions(message, words));
  };
  const auto header = [](const std::string& descr, const std::string& shape) {
    return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }\n";
  };
  refused(ErrorKind::data, "not an array", "no .npy array");
  refused(ErrorKind::data, "", "no .npy array");
  refused(ErrorKind::data, npy(header("'<f4'", "(2,)"), "1234567"), "promises 8 bytes, the file holds 7");
  refused(ErrorKind::data, npy(header("'<f4'", "(2,)"), "123456789"), "holds 9");
  refused(ErrorKind::data, npy(header("'<f4'", "(99999999999999999999,)"), ""), "damaged .npy header");
  refused(ErrorKind::data, npy(header("'<f4'", "(1099511627775, 1099511627775)"), ""), "too large");
  refused(ErrorKind::data, npy(header("'<f4'", "(-1,)"), ""), "damaged .npy header");
  refused(ErrorKind::data, npy("{'descr': '<f4'", ""), "damaged .npy header");
  refused(ErrorKind::data, npy("{'descr': '<f4'}", ""), "damaged .npy header");
  refused(ErrorKind::data, npy(header("'<f4'", "(1,)"), "1234").substr(0, 30), "truncated");
  refused(ErrorKind::unsupported, npy(header("'|O'", "(1,)"), "12345678"), "'|O'");
  refused(ErrorKind::unsupported, npy(header("[('a', '<f4')]", "(1,)"), "1234"), "structured");
  refused(ErrorKind::unsupported, npy(header("'<f4'", "(1, 1, 1, 1, 1, 1, 1)"), "1234"), "7 dimensions");
  error_of(ErrorKind::usage, [&] { write_npy(path, Tensor(DType::bf16, {2})); });
}

// Were a cut archive read past its end, or a flipped bit accepted, statistics would silently be others.
TEST_CASE("every truncation and many flipped bits of an archive are refused or harmless") {
  Scratch folder;
  const auto whole = read_file(fixtures / "numpy.npz");
  const auto original = read_npz(fixtures / "numpy.npz");
  const auto path = folder / "cut.npz";
  for (size_t size = 0; size < whole.size(); size += 7) {
    write_file(path, std::span(whole).first(size), false);
    CHECK_THROWS_AS(read_npz(path), Error);
  }
  int refused = 0, harmless = 0;
  for (size_t at = 0; at < whole.size(); at += 3) {
    auto spoilt = whole;
    spoilt[at] ^= std::byte{0x10};
    write_file(path, spoilt, false);
    try {
      // Time stamps, names and attributes may differ; values may not.
      const auto back = read_npz(path);
      REQUIRE(back.size() == original.size());
      for (size_t i = 0; i < back.size(); ++i)
        REQUIRE(std::ranges::equal(back[i].tensor.bytes(), original[i].tensor.bytes()));
      ++harmless;
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > harmless);
}
