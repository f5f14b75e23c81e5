#include "parity/harness.h"

#include <cmath>
#include <limits>
#include <ostream>

#include "cases/cases.h"
#include "cases/run.h"
#include "catch.h"

namespace agon::parity {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::unique_ptr<cases::Case> build(const ParityCase& parity, Precision precision) {
  auto subject = cases::make_case(parity.line);
  subject->differentiate(false);
  if (precision == Precision::bf16) subject->round_to_bf16();
  return subject;
}

double tolerance_of(const ParityCase& parity, Precision precision) {
  if (precision == Precision::f32) return parity.tolerance;
  // tf32 has three bits more than bf16.
  return precision == Precision::bf16 ? parity.bf16_tolerance : 0.1 * parity.bf16_tolerance;
}

}  // namespace

double error_of(const Tensor& got, const Tensor& expected) {
  if (!(got.shape() == expected.shape()) || got.dtype() != expected.dtype()) return infinity;
  if (got.dtype() == DType::i32)
    return std::ranges::equal(got.as<int32_t>(), expected.as<int32_t>()) ? 0 : infinity;
  const auto a = got.as<double>(), b = expected.as<double>();
  double worst = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i]) && std::isnan(a[i])) continue;
    const double difference = a[i] == b[i] ? 0 : std::abs(a[i] - b[i]);
    worst = std::isnan(difference) ? infinity : std::max(worst, difference);
    largest = std::max(largest, std::abs(b[i]));
    if (worst == infinity) break;
  }
  return largest > 0 ? worst / largest : worst;
}

std::vector<Difference> compare(const Results& got, const Results& expected) {
  std::vector<Difference> result;
  for (const auto& [name, tensor] : expected) {
    const auto it = got.find(name);
    result.push_back({name, it == got.end() ? infinity : error_of(it->second, tensor)});
  }
  return result;
}

Results expected_of(const ParityCase& parity, Precision precision) {
  const auto subject = build(parity, precision);
  return cases::CaseRun(*open_backend("reference"), *subject, false).collect();
}

Results results_of(Backend& backend, const ParityCase& parity, bool fuse, Precision precision) {
  const auto subject = build(parity, precision);
  return cases::CaseRun(backend, *subject, fuse, precision).collect();
}

std::string reproducer(const ParityCase& parity, std::string_view backend, Precision precision) {
  return fmt::format("AGON_TEST_BACKENDS={} AGON_PARITY_CASE=\"{}\" test_parity{}", backend, parity.line,
                     precision == Precision::f32    ? ""
                     : precision == Precision::bf16 ? " \"*bf16*\""
                                                    : " \"*tf32*\"");
}

void check_parity(Backend& backend, const std::vector<ParityCase>& cases, std::ostream& log,
                  Precision precision) {
  for (const ParityCase& parity : cases) {
    INFO(reproducer(parity, backend.name(), precision));
    const Results expected = expected_of(parity, precision);
    for (bool fuse : {true, false}) {
      INFO("fuse " << fuse);
      try {
        for (const auto& [tensor, error] : compare(results_of(backend, parity, fuse, precision), expected)) {
          INFO("tensor " << tensor << " " << expected.at(tensor).shape().str());
          CHECK(error <= tolerance_of(parity, precision));
        }
      } catch (const Error& error) {
        if (parity.may_lack && error.kind() == ErrorKind::unsupported)
          log << parity.line << ": " << error.what() << "\n";
        else
          FAIL_CHECK(error.what());
      }
    }
  }
}

}  // namespace agon::parity
