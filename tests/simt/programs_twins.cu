#include <cmath>

#include "programs_twins.h"

namespace programs {
namespace {

#define BOTH __host__ __device__

struct Random {
  uint32_t state;
  BOTH explicit Random(uint32_t seed) : state(seed * 2654435761u + 12345u) {}
  BOTH uint32_t operator()() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state += 0x9e3779b9u;
  }
  BOTH uint32_t below(uint32_t n) {
    return static_cast<uint32_t>(static_cast<uint64_t>((*this)()) * n >> 32);
  }
};

BOTH uint64_t mix(uint64_t h, uint64_t v) {
  h ^= v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
  return h * 0xff51afd7ed558ccdull;
}

// SHA-256 of one block: rotations, 32-bit sums, a table in local memory.
struct Sha256 {
  static BOTH uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    uint32_t w[64], k[64];
    for (int i = 0; i < 16; ++i) w[i] = random();
    for (int i = 0; i < 64; ++i) k[i] = random();
    for (int i = 16; i < 64; ++i) {
      const uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
      const uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t s[8] = {1, 2, 3, 4, 5, 6, 7, seed};
    for (int i = 0; i < 64; ++i) {
      const uint32_t s1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
      const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
      const uint32_t t1 = s[7] + s1 + choice + k[i] + w[i];
      const uint32_t s0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
      const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
      for (int j = 7; j > 0; --j) s[j] = s[j - 1];
      s[4] += t1;
      s[0] = t1 + s0 + majority;
    }
    uint64_t h = 0;
    for (const uint32_t v : s) h = mix(h, v);
    return h;
  }
};

// Quicksort with a stack of its own, then a check sum of the order.
struct Quicksort {
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    int16_t x[60];
    const int n = 5 + static_cast<int>(random.below(56));
    for (int i = 0; i < n; ++i) x[i] = static_cast<int16_t>(random());
    struct Span {
      int8_t first, last;
    } stack[32];
    int depth = 0;
    stack[depth++] = {0, static_cast<int8_t>(n - 1)};
    while (depth > 0) {
      const Span span = stack[--depth];
      if (span.first >= span.last) continue;
      const int16_t pivot = x[(span.first + span.last) / 2];
      int i = span.first, j = span.last;
      while (i <= j) {
        while (x[i] < pivot) ++i;
        while (x[j] > pivot) --j;
        if (i <= j) {
          const int16_t t = x[i];
          x[i++] = x[j];
          x[j--] = t;
        }
      }
      stack[depth++] = {span.first, static_cast<int8_t>(j)};
      stack[depth++] = {static_cast<int8_t>(i), span.last};
    }
    uint64_t h = static_cast<uint64_t>(n);
    for (int i = 0; i < n; ++i) h = mix(h, static_cast<uint64_t>(static_cast<int64_t>(x[i])));
    return h;
  }
};

// The number of ways to place queens, by bit masks and backtracking.
struct Queens {
  static BOTH uint64_t run(uint32_t seed) {
    const int n = 4 + static_cast<int>(seed % 4);
    uint32_t columns[9] = {}, left[9] = {}, right[9] = {}, open[9] = {};
    const uint32_t all = (1u << n) - 1;
    int row = 0, count = 0;
    open[0] = all & ~(seed >> 3 & 1);  // with one corner barred or not
    while (row >= 0) {
      if (open[row] == 0) {
        --row;
        continue;
      }
      const uint32_t bit = open[row] & (0 - open[row]);
      open[row] ^= bit;
      if (row == n - 1) {
        ++count;
        continue;
      }
      columns[row + 1] = columns[row] | bit;
      left[row + 1] = (left[row] | bit) << 1;
      right[row + 1] = (right[row] | bit) >> 1;
      open[row + 1] = all & ~(columns[row + 1] | left[row + 1] | right[row + 1]);
      ++row;
    }
    return static_cast<uint64_t>(count);
  }
};

// The distance between two strings of bytes.
struct Levenshtein {
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    uint8_t a[24], b[24], row[25];
    const int n = 1 + static_cast<int>(random.below(24)), m = 1 + static_cast<int>(random.below(24));
    for (int i = 0; i < n; ++i) a[i] = static_cast<uint8_t>(random.below(4));
    for (int i = 0; i < m; ++i) b[i] = static_cast<uint8_t>(random.below(4));
    for (int j = 0; j <= m; ++j) row[j] = static_cast<uint8_t>(j);
    for (int i = 1; i <= n; ++i) {
      uint8_t diagonal = row[0];
      row[0] = static_cast<uint8_t>(i);
      for (int j = 1; j <= m; ++j) {
        const uint8_t above = row[j];
        uint8_t best = static_cast<uint8_t>(diagonal + (a[i - 1] != b[j - 1]));
        if (above + 1 < best) best = static_cast<uint8_t>(above + 1);
        if (row[j - 1] + 1 < best) best = static_cast<uint8_t>(row[j - 1] + 1);
        row[j] = best;
        diagonal = above;
      }
    }
    return row[m];
  }
};

// Arithmetic of 256-bit numbers: carries, 64 x 64 -> 128 products, modular exponentiation.
struct BigIntegers {
  struct Number {
    uint64_t limb[4];
  };
  static BOTH uint64_t high(uint64_t a, uint64_t b) {
    const uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32), low = a0 * b1 + (middle & 0xffffffffu);
    return a1 * b1 + (middle >> 32) + (low >> 32);
  }
  static BOTH Number multiply(const Number& a, const Number& b) {
    Number r{};
    for (int i = 0; i < 4; ++i) {
      uint64_t carry = 0;
      for (int j = 0; i + j < 4; ++j) {
        const uint64_t low = a.limb[i] * b.limb[j];
        uint64_t sum = r.limb[i + j] + low;
        uint64_t over = sum < low;
        sum += carry;
        over += sum < carry;
        carry = high(a.limb[i], b.limb[j]) + over;
        r.limb[i + j] = sum;
      }
    }
    return r;
  }
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    Number base{}, result{{1, 0, 0, 0}};
    for (uint64_t& l : base.limb) l = static_cast<uint64_t>(random()) << 32 | random();
    for (uint32_t exponent = random.below(4000); exponent; exponent >>= 1) {
      if (exponent & 1) result = multiply(result, base);
      base = multiply(base, base);
    }
    uint64_t h = 0;
    for (const uint64_t l : result.limb) h = mix(h, l);
    return h;
  }
};

// Breadth first through a random maze.
struct Maze {
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    uint16_t walls[12], queue[144];
    int8_t distance[144];
    for (uint16_t& w : walls) w = static_cast<uint16_t>(random() & random());
    for (int8_t& d : distance) d = -1;
    int head = 0, tail = 0;
    queue[tail++] = 0;
    distance[0] = 0;
    while (head < tail) {
      const int at = queue[head++], y = at / 12, x = at % 12;
      for (int direction = 0; direction < 4; ++direction) {
        int nx = x, ny = y;
        switch (direction) {
          case 0:
            ++nx;
            break;
          case 1:
            --nx;
            break;
          case 2:
            ++ny;
            break;
          default:
            --ny;
        }
        if (nx < 0 || ny < 0 || nx >= 12 || ny >= 12 || (walls[ny] >> nx & 1)) continue;
        const int to = ny * 12 + nx;
        if (distance[to] >= 0) continue;
        distance[to] = static_cast<int8_t>(distance[at] + 1);
        queue[tail++] = static_cast<uint16_t>(to);
      }
    }
    uint64_t h = static_cast<uint64_t>(tail);
    for (const int8_t d : distance) h = mix(h, static_cast<uint64_t>(static_cast<int64_t>(d)));
    return h;
  }
};

// A machine of its own: random programs of a small stack language, interpreted.
struct Interpreter {
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    uint8_t code[48];
    for (uint8_t& c : code) c = static_cast<uint8_t>(random());
    int64_t stack[16] = {};
    int depth = 4, at = 0;
    uint64_t h = seed;
    for (int step = 0; step < 300 && at < 48; ++step) {
      const uint8_t c = code[at++];
      const int64_t a = stack[(depth + 15) % 16], b = stack[(depth + 14) % 16];
      const auto push = [&](int64_t v) {
        stack[depth % 16] = v;
        depth = (depth + 1) % 16;
      };
      switch (c % 13) {
        case 0:
          push(c);
          break;
        case 1:
          push(static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)));
          break;
        case 2:
          push(static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)));
          break;
        case 3:
          push(b == 0 || b == -1 ? a : a / b);
          break;
        case 4:
          push(a >> (b & 63));
          break;
        case 5:
          push(static_cast<int32_t>(a));
          break;
        case 6:
          push(static_cast<uint16_t>(a));
          break;
        case 7:
          push(static_cast<int8_t>(b));
          break;
        case 8:
          push(a < b);
          break;
        case 9:
          push(a ^ b);
          break;
        case 10:
          if (a & 1) at = static_cast<int>(static_cast<uint64_t>(b) % 48);
          break;
        case 11:
          depth = (depth + 15) % 16;
          break;
        default:
          h = mix(h, static_cast<uint64_t>(a));
      }
    }
    for (const int64_t v : stack) h = mix(h, static_cast<uint64_t>(v));
    return h;
  }
};

// Gauss elimination with pivots, in doubles, with every rounding written out.
struct Elimination {
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    const int n = 3 + static_cast<int>(seed % 4);
    double m[6][7];
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= n; ++j) m[i][j] = static_cast<double>(static_cast<int32_t>(random())) / 1048576.0;
    for (int c = 0; c < n; ++c) {
      int pivot = c;
      for (int r = c + 1; r < n; ++r)
        if (fabs(m[r][c]) > fabs(m[pivot][c])) pivot = r;
      for (int j = 0; j <= n; ++j) {
        const double t = m[c][j];
        m[c][j] = m[pivot][j];
        m[pivot][j] = t;
      }
      for (int r = 0; r < n; ++r) {
        if (r == c) continue;
        const double f = m[r][c] / m[c][c];
        for (int j = c; j <= n; ++j) m[r][j] = fma(-f, m[c][j], m[r][j]);
      }
    }
    uint64_t h = 0;
    for (int i = 0; i < n; ++i) {
      const double x = m[i][n] / m[i][i];
      h = mix(h, static_cast<uint64_t>(static_cast<int64_t>(rint(x * 1e6))));
    }
    return h;
  }
};

// Floats: square roots and quotients are rounded to nearest on both sides; fmaf is fused on both.
struct Floats {
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    float x = static_cast<float>(random.below(1000)) + 0.5f, sum = 0;
    uint64_t h = 0;
    for (int i = 0; i < 60; ++i) {
      const float y = static_cast<float>(static_cast<int>(random.below(2000)) - 1000);
      const float q = y == 0 ? x : x / y;
      const float root = sqrtf(fabsf(q));
      sum = fmaf(root, 0.75f, sum);
      x = root > 3 ? floorf(sum) + 0.25f : truncf(x) - y;
      if (!(fabsf(x) < 1e6f)) x = 1.5f;
      h = mix(h, static_cast<uint64_t>(static_cast<int64_t>(sum * 64.0f)));
      h = mix(h, static_cast<uint64_t>(x < y ? 1 : 2) + static_cast<uint64_t>(static_cast<int64_t>(x)));
    }
    return h;
  }
};

// Structures by value, references, virtual-free polymorphism, functions that nest and return early.
struct Shapes {
  struct Shape {
    int kind;
    int64_t a, b, c;
  };
  static BOTH int64_t area(const Shape& s) {
    if (s.kind == 0) return s.a * s.b;
    if (s.kind == 1) return 3 * s.a * s.a;
    if (s.kind == 2) {
      const int64_t p = s.a + s.b + s.c;
      return p % 2 ? p / 2 : p * 3;
    }
    return -1;
  }
  static BOTH Shape grown(Shape s, int by) {
    if (by == 0) return s;
    s.a += by;
    switch (s.kind) {
      case 2:
        s.c -= by;
        [[fallthrough]];
      case 0:
        s.b ^= by;
        break;
      default:
        s.kind = (s.kind + by) % 4;
    }
    return s;
  }
  static BOTH uint64_t run(uint32_t seed) {
    Random random(seed);
    Shape shapes[6];
    for (Shape& s : shapes)
      s = {static_cast<int>(random.below(3)), random.below(100), random.below(100), random.below(100)};
    uint64_t h = 0;
    for (int round = 0; round < 40; ++round) {
      Shape& s = shapes[random.below(6)];
      const Shape& other = shapes[random.below(6)];
      s = grown(area(s) > area(other) ? s : other, static_cast<int>(random.below(5)));
      h = mix(h, static_cast<uint64_t>(area(s)));
    }
    return h;
  }
};

template <class Algorithm>
__global__ void twin_kernel(uint64_t* results, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) results[i] = Algorithm::run(static_cast<uint32_t>(i));
}

template <class Algorithm>
Twin twin(const char* name) {
  return {name, &Algorithm::run,
          [](uint64_t* results, int n) { twin_kernel<Algorithm><<<(n + 95) / 96, 96>>>(results, n); }};
}

}  // namespace

std::vector<Twin> twins() {
  return {twin<Sha256>("sha256"),
          twin<Quicksort>("quicksort"),
          twin<Queens>("queens"),
          twin<Levenshtein>("levenshtein"),
          twin<BigIntegers>("big integers"),
          twin<Maze>("maze"),
          twin<Interpreter>("interpreter"),
          twin<Elimination>("elimination"),
          twin<Floats>("floats"),
          twin<Shapes>("shapes")};
}

}  // namespace programs
