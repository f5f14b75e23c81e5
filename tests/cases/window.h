#pragma once
#include "cases/case.h"

namespace agon::cases {

/// The window and shapes of a convolution or pool from benchdnn's keys: mb, i{d,h,w}, ic, oc, k{d,h,w},
/// s{d,h,w}, padding before p{f,t,l} and after p{k,b,r}, d (dilation; 1 is dense), g. `rank` 2 unless said.
struct WindowCase {
  Window window;
  Shape x, w, y;

  explicit WindowCase(const Descriptor& d) {
    window.rank = static_cast<int>(d.integer("rank", 2));
    window.groups = d.integer("g", 1);
    window.count_include_pad = d.integer("cip", 1) != 0;
    static const std::array<std::array<const char*, 5>, 3> keys{
        {{"id", "kd", "sd", "pf", "pk"}, {"ih", "kh", "sh", "pt", "pb"}, {"iw", "kw", "sw", "pl", "pr"}}};
    const int64_t ic = d.integer("ic", 1), oc = d.integer("oc", 1);
    x = {d.integer("mb", 1)};
    w = {oc};
    y = {d.integer("mb", 1)};
    for (int i = 0; i < window.rank; ++i) {
      const auto& [in, kernel, stride, before, after] = keys[static_cast<size_t>(3 - window.rank + i)];
      const auto a = static_cast<size_t>(i);
      window.kernel[a] = d.integer(kernel, 1);
      window.stride[a] = d.integer(stride, 1);
      window.pad_lo[a] = d.integer(before, 0);
      window.pad_hi[a] = d.integer(after, 0);
      window.dilation[a] = d.integer("d", 1);
      x.push_back(d.integer(in, 1));
      w.push_back(window.kernel[a]);
      y.push_back(window.out(i, x[i + 1], window.kernel[a]));
    }
    x.push_back(ic);
    w.push_back(ic / window.groups);
    y.push_back(oc);
    pooled = y;
    pooled[-1] = ic;
  }
  Shape pooled;  ///< of a pool: y with the channels of x

  /// A convolution takes its extent from the weights.
  Window conv() const {
    Window result = window;
    result.kernel = {1, 1, 1};
    return result;
  }
};

inline Kinds contraction_kinds() {
  Kinds kinds;
  kinds["matmul"] = [](Case& c, const Descriptor& d) {
    const bool ta = d.integer("ta", 0) != 0, tb = d.integer("tb", 0) != 0;
    const int64_t m = d.integer("m", 2), n = d.integer("n", 3), k = d.integer("k", 4);
    Shape a = ta ? Shape{k, m} : Shape{m, k}, b = tb ? Shape{n, k} : Shape{k, n};
    if (d.has("mb")) {
      a = {d.integer("mb", 1), a[0], a[1]};
      b = {d.integer("mb", 1), b[0], b[1]};
    }
    Value left = c.operand(a);
    c.result(matmul(left, c.operand(b), ta, tb));
  };
  kinds["conv"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value x = c.operand(s.x);
    c.result(conv(x, c.operand(s.w), s.conv()));
  };
  kinds["conv_input_grad"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value y = c.operand(s.y);
    c.result(conv_input_grad(y, c.operand(s.w), s.conv(), s.x));
  };
  kinds["conv_weight_grad"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value x = c.operand(s.x);
    c.result(conv_weight_grad(x, c.operand(s.y), s.conv(), s.w));
  };
  return kinds;
}

inline ResizeMode resize_mode_of(const Descriptor& d) {
  static const std::map<std::string, ResizeMode> known{{"nearest", ResizeMode::nearest},
                                                       {"half_pixel", ResizeMode::bilinear_half_pixel},
                                                       {"align_corners", ResizeMode::bilinear_align_corners},
                                                       {"asymmetric", ResizeMode::bilinear_asymmetric}};
  const auto it = known.find(d.text("mode"));
  check(it != known.end(), ErrorKind::usage, "descriptor: unknown resize mode in '{}'", d.line());
  return it->second;
}

inline Kinds window_kinds() {
  Kinds kinds;
  kinds["avg_pool"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    c.result(avg_pool(c.operand(s.x), s.window));
  };
  kinds["avg_pool_grad"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    c.result(c.graph.append(Op::avg_pool_grad, {c.operand(s.pooled)}, s.window, s.x));
  };
  kinds["max_pool"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value y = max_pool(c.operand(s.x, Domain::distinct), s.window);
    c.result(y);
    c.note(c.graph.port(y, 1));
  };
  kinds["max_pool_grad"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value index = c.graph.port(max_pool(c.fixed(s.x, Domain::distinct), s.window), 1);
    c.result(c.graph.append(Op::max_pool_grad, {c.operand(s.pooled), index}, s.window, s.x));
  };
  kinds["max_pool_take"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value index = c.graph.port(max_pool(c.fixed(s.x, Domain::distinct), s.window), 1);
    c.result(c.graph.append(Op::max_pool_take, {c.operand(s.x), index}, s.window));
  };
  kinds["resize"] = [](Case& c, const Descriptor& d) {
    Value x = c.operand({d.integer("mb", 1), d.integer("ih", 1), d.integer("iw", 1), d.integer("ic", 1)});
    c.result(resize(x, d.integer("oh", 1), d.integer("ow", 1), resize_mode_of(d)));
  };
  kinds["resize_grad"] = [](Case& c, const Descriptor& d) {
    const int64_t n = d.integer("mb", 1), channels = d.integer("ic", 1);
    Value dy = c.operand({n, d.integer("oh", 1), d.integer("ow", 1), channels});
    c.result(c.graph.append(Op::resize_grad, {dy}, ResizeAttr{resize_mode_of(d)},
                            {n, d.integer("ih", 1), d.integer("iw", 1), channels}));
  };
  return kinds;
}

}  // namespace agon::cases
