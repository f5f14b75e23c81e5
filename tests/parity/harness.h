#pragma once
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "agon/program.h"

#include "parity/table.h"

/// One harness for every backend: builds a case, differentiates it twice, runs it on the backend and on
/// `reference` and compares tensor by tensor.
namespace agon::parity {

/// Outputs and states by name, as f64 or i32.
using Results = std::map<std::string, Tensor>;

/// How far one tensor is off: max|difference| / max|expected|, or max|difference| where all of `expected` is
/// 0. Infinite for NaN against a number, for another shape and for integers that differ.
double error_of(const Tensor& got, const Tensor& expected);

struct Difference {
  std::string tensor;
  double error;
};
/// The error of every tensor of `expected`; one that `got` lacks has an infinite error.
std::vector<Difference> compare(const Results& got, const Results& expected);

/// What `reference` makes of a case, fed with numbers that `precision` holds exactly.
Results expected_of(const ParityCase& parity, Precision precision);
/// What `backend` makes of it.
Results results_of(Backend& backend, const ParityCase& parity, bool fuse, Precision precision);

/// The line that reruns one case on one backend.
std::string reproducer(const ParityCase& parity, std::string_view backend, Precision precision);

/// Runs `cases` on `backend`, with fusion on and off, and reports failures through Catch. Each line of `log`
/// is a case that the backend may lack and does.
void check_parity(Backend& backend, const std::vector<ParityCase>& cases, std::ostream& log,
                  Precision precision = Precision::f32);

}  // namespace agon::parity
