#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <png.h>

#include "agon/error.h"

#include "io/image_codecs.h"

namespace agon {
namespace {

/// What libpng's callbacks reach: the input or output, and the first error's text. libpng is C and leaves a
/// failed call by longjmp, so no object with a destructor may live between setjmp and the calls.
struct Session {
  std::span<const std::byte> input;
  size_t position = 0;
  std::vector<std::byte> output;
  char message[128] = "";
};

void on_error(png_structp png, png_const_charp message) {
  auto* session = static_cast<Session*>(png_get_error_ptr(png));
  std::strncpy(session->message, message, sizeof session->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep target, size_t count) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  if (count > session->input.size() - session->position) png_error(png, "truncated");
  std::memcpy(target, session->input.data() + session->position, count);
  session->position += count;
}

void on_write(png_structp png, png_bytep source, size_t count) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  const auto* bytes = reinterpret_cast<const std::byte*>(source);
  session->output.insert(session->output.end(), bytes, bytes + count);
}

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  explicit Reader(Session& session) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &session, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    check(info != nullptr, ErrorKind::io, "libpng: out of memory");
    png_set_read_fn(png, &session, on_read);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

struct Writer {
  png_structp png = nullptr;
  png_infop info = nullptr;
  explicit Writer(Session& session) {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &session, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    check(info != nullptr, ErrorKind::io, "libpng: out of memory");
    png_set_write_fn(png, &session, on_write, nullptr);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_info(reader.png, reader.info);
  return true;
}

/// Asks for 8-bit grey, grey+alpha, RGB or RGBA rows.
bool ask_for_bytes(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_set_expand(reader.png);
  png_set_scale_16(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

bool write_rows(Writer& writer, const Image& image, png_bytepp rows) {
  if (setjmp(png_jmpbuf(writer.png))) return false;
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8,
               image.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(writer.png, 6);
  png_set_filter(writer.png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, nullptr);
  return true;
}

[[noreturn]] void refuse(const Session& session, const std::string& where) {
  fail(ErrorKind::data, "{}: damaged PNG image ({}); fetch it again or remove it", where, session.message);
}

/// (colour alpha + white (1 - alpha)) of `count` pixels with `channels` colours and alpha.
void composite_on_white(const uint8_t* from, size_t count, int channels, uint8_t* to) {
  for (size_t i = 0; i < count; ++i) {
    const unsigned alpha = from[channels];
    for (int c = 0; c < channels; ++c)
      *to++ = static_cast<uint8_t>((from[c] * alpha + 255u * (255u - alpha) + 127u) / 255u);
    from += channels + 1;
  }
}

}  // namespace

ImageInfo png_info(std::span<const std::byte> file, const std::string& where) {
  Session session;
  session.input = file;
  Reader reader(session);
  if (!read_header(reader)) refuse(session, where);
  check_image_size(png_get_image_height(reader.png, reader.info),
                   png_get_image_width(reader.png, reader.info), where);
  if (!ask_for_bytes(reader)) refuse(session, where);
  const int channels = png_get_channels(reader.png, reader.info);
  return {static_cast<int>(png_get_image_height(reader.png, reader.info)),
          static_cast<int>(png_get_image_width(reader.png, reader.info)), channels >= 3 ? 3 : 1,
          channels % 2 == 0};
}

Image decode_png(std::span<const std::byte> file, const std::string& where) {
  Session session;
  session.input = file;
  Reader reader(session);
  if (!read_header(reader)) refuse(session, where);
  const auto height = png_get_image_height(reader.png, reader.info);
  const auto width = png_get_image_width(reader.png, reader.info);
  check_image_size(height, width, where);
  if (!ask_for_bytes(reader)) refuse(session, where);
  const int channels = png_get_channels(reader.png, reader.info);
  Image raw(static_cast<int>(height), static_cast<int>(width), channels);
  std::vector<png_bytep> rows(height);
  for (size_t y = 0; y < height; ++y) rows[y] = &raw.pixels[y * width * static_cast<size_t>(channels)];
  if (!read_rows(reader, rows.data())) refuse(session, where);
  if (channels % 2 == 1) return raw;
  Image image(raw.height, raw.width, channels - 1);
  composite_on_white(raw.pixels.data(), size_t{height} * width, channels - 1, image.pixels.data());
  return image;
}

std::vector<std::byte> encode_png(const Image& image) {
  const bool whole = image.height > 0 && image.width > 0 && (image.channels == 1 || image.channels == 3);
  check(whole, ErrorKind::usage, "png: an image of {}x{} with {} channels cannot be written", image.width,
        image.height, image.channels);
  Session session;
  Writer writer(session);
  std::vector<png_bytep> rows(static_cast<size_t>(image.height));
  const auto stride = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
  // libpng's rows are not const, though it only reads them.
  for (size_t y = 0; y < rows.size(); ++y) rows[y] = const_cast<png_bytep>(&image.pixels[y * stride]);
  check(write_rows(writer, image, rows.data()), ErrorKind::io, "png: cannot be encoded: {}", session.message);
  return std::move(session.output);
}

}  // namespace agon
