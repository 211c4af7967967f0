// The part of testlib's interface that checkers and interactors of ordinary problems use, in our own words.
//
// Streams:   inf (the input), ouf (what the program said; of an interactor, its stdin), ans (the answer), tout.
// Verdicts:  quit, quitf, quitp, quitif, ensure, ensuref; exit status 0 right, 1 wrong, 2 wrong form, 3 the judge's
//            own fault, 7 points. A wrong form in inf or ans is the judge's own fault.
// Arguments: checker INPUT OUTPUT ANSWER; interactor INPUT OUTPUT [ANSWER].
//
// Copyright veritune contributors. SPDX-License-Identifier: Apache-2.0

#ifndef VERITUNE_TESTLIB_H
#define VERITUNE_TESTLIB_H

#include <algorithm>
#include <bitset>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

enum TResult {
    _ok = 0, _wa = 1, _pe = 2, _fail = 3, _dirt = 4, _points = 7, _unexpected_eof = 8, _partially = 16
};
enum TMode { _input, _output, _answer };
enum TTestlibMode { _unknown, _checker, _validator, _generator, _interactor, _scorer };

#define _pc(exitCode) (TResult(_partially + (exitCode)))

#ifndef EOFC
#define EOFC (255)
#endif

static TTestlibMode testlibMode = _unknown;
static int __testlib_case = -1;

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
inline std::string testlib_format_(const char *format, ...) {
    va_list list;
    va_start(list, format);
    char text[1 << 14];
    std::vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return text;
}
#define VERITUNE_FORMATTED(format, text)                     \
    std::string text;                                        \
    {                                                        \
        va_list list;                                        \
        va_start(list, format);                              \
        char buffer[1 << 14];                                \
        std::vsnprintf(buffer, sizeof buffer, format, list); \
        va_end(list);                                        \
        text = buffer;                                       \
    }

inline std::string format(const char *pattern, ...) { VERITUNE_FORMATTED(pattern, text) return text; }
inline std::string format(const std::string pattern, ...) {
    va_list list;
    va_start(list, pattern);
    char buffer[1 << 14];
    std::vsnprintf(buffer, sizeof buffer, pattern.c_str(), list);
    va_end(list);
    return buffer;
}

inline bool isBlanks(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
inline bool isEof(int c) { return c == EOF; }
inline bool isEoln(char c) { return c == '\n' || c == '\r'; }
inline std::string lowerCase(std::string s) { for (char &c : s) c = (char) std::tolower((unsigned char) c); return s; }
inline std::string upperCase(std::string s) { for (char &c : s) c = (char) std::toupper((unsigned char) c); return s; }
inline std::string trim(const std::string &s) {
    size_t a = 0, b = s.size();
    while (a < b && isBlanks(s[a])) a++;
    while (b > a && isBlanks(s[b - 1])) b--;
    return s.substr(a, b - a);
}
inline std::string compress(const std::string &s) {
    return s.size() <= 64 ? s : s.substr(0, 30) + "..." + s.substr(s.size() - 31);
}
inline std::string englishEnding(int n) {
    int last = n % 10, tens = n % 100;
    if (tens >= 11 && tens <= 13) return "th";
    return last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}
template <class T> std::string toString(const T &value) { std::ostringstream s; s << value; return s.str(); }
template <class T> std::string vtos(const T &value) { return toString(value); }
template <class It> std::string join(It first, It last, const std::string &separator) {
    std::ostringstream s;
    for (bool head = true; first != last; ++first, head = false) { if (!head) s << separator; s << *first; }
    return s.str();
}
template <class It> std::string join(It first, It last) { return join(first, last, " "); }
template <class C> std::string join(const C &c, const std::string &separator = " ") {
    return join(c.begin(), c.end(), separator);
}
inline std::vector<std::string> split(const std::string &s, char by) {
    std::vector<std::string> parts(1);
    for (char c : s) { if (c == by) parts.emplace_back(); else parts.back() += c; }
    return parts;
}
inline std::vector<std::string> tokenize(const std::string &s, char by) {
    std::vector<std::string> parts;
    for (auto &part : split(s, by)) if (!part.empty()) parts.push_back(part);
    return parts;
}

/* Equal within an absolute or a relative error. */
inline bool __testlib_isNaN(double r) { return r != r; }
inline bool __testlib_isInfinite(double r) { return r > 1E300 || r < -1E300; }
inline bool doubleCompare(double expected, double result, double error) {
    error += 1E-15;
    if (__testlib_isNaN(expected)) return __testlib_isNaN(result);
    if (__testlib_isInfinite(expected)) return expected > 0 ? result > 1E300 : result < -1E300;
    if (__testlib_isNaN(result) || __testlib_isInfinite(result)) return false;
    if (std::fabs(result - expected) <= error) return true;
    double low = std::min(expected * (1.0 - error), expected * (1.0 + error));
    double high = std::max(expected * (1.0 - error), expected * (1.0 + error));
    return result >= low && result <= high;
}
inline double doubleDelta(double expected, double result) {
    double absolute = std::fabs(result - expected);
    return std::fabs(expected) > 1E-9 ? std::min(absolute, absolute / std::fabs(expected)) : absolute;
}

/* testlib's patterns: characters, [classes], groups with |, and * + ? {n} {n,} {n,m} behind them. */
struct pattern_ {
    struct piece { std::bitset<256> set; std::vector<std::vector<piece>> options; int least = 1, most = 1; };
    typedef std::vector<std::vector<piece>> choice;
    typedef std::function<bool(size_t)> then;

    static bool matches(const std::string &text, const std::string &pattern) {
        size_t at = 0;
        choice all = parse(pattern, at);
        return any(all, text, 0, [&](size_t end) { return end == text.size(); });
    }
    static choice parse(const std::string &p, size_t &at) {
        choice found(1);
        while (at < p.size() && p[at] != ')') {
            if (p[at] == '|') { found.emplace_back(); at++; continue; }
            piece one;
            if (p[at] == '(') { one.options = parse(p, ++at); at++; }
            else if (p[at] == '[') set_of(p, at, one.set);
            else if (p[at] == '.') { one.set.set(); at++; }
            else { if (p[at] == '\\' && at + 1 < p.size()) at++; one.set.set((unsigned char) p[at++]); }
            repeat(p, at, one);
            found.back().push_back(one);
        }
        return found;
    }
    static void set_of(const std::string &p, size_t &at, std::bitset<256> &set) {
        bool inverse = p[++at] == '^';
        for (at += inverse; at < p.size() && p[at] != ']'; at++) {
            if (p[at] == '\\') at++;
            unsigned char low = (unsigned char) p[at], high = low;
            if (at + 2 < p.size() && p[at + 1] == '-' && p[at + 2] != ']') { high = (unsigned char) p[at + 2]; at += 2; }
            for (int c = low; c <= high; c++) set.set(c);
        }
        at++;
        if (inverse) set.flip();
    }
    static void repeat(const std::string &p, size_t &at, piece &one) {
        if (at >= p.size()) return;
        const int many = std::numeric_limits<int>::max();
        if (p[at] == '*') { one.least = 0; one.most = many; at++; }
        else if (p[at] == '+') { one.most = many; at++; }
        else if (p[at] == '?') { one.least = 0; at++; }
        else if (p[at] == '{') {
            size_t end = p.find('}', at), comma = p.find(',', at);
            one.least = one.most = std::atoi(p.c_str() + at + 1);
            if (comma < end) one.most = comma + 1 == end ? many : std::atoi(p.c_str() + comma + 1);
            at = end + 1;
        }
    }
    static bool any(const choice &options, const std::string &s, size_t at, const then &go) {
        for (auto &option : options) if (row(option, 0, 0, s, at, go)) return true;
        return false;
    }
    static bool row(const std::vector<piece> &pieces, size_t k, int count, const std::string &s, size_t at, const then &go) {
        if (k == pieces.size()) return go(at);
        const piece &one = pieces[k];
        if (one.options.empty()) {  // a run of characters: the longest first, without a call for each
            size_t most = at;
            while (most < s.size() && (long long) (most - at) < one.most && one.set[(unsigned char) s[most]]) most++;
            for (size_t end = most + 1; end-- > at && (long long) (end - at) >= one.least;)
                if (row(pieces, k + 1, 0, s, end, go)) return true;
            return false;
        }
        if (count < one.most && any(one.options, s, at, [&](size_t end) {
                return (end > at || count < one.least) && row(pieces, k, count + 1, s, end, go); })) return true;
        return count >= one.least && row(pieces, k + 1, 0, s, at, go);
    }
};

struct InStream {
    std::FILE *file = nullptr;
    std::string name;
    TMode mode = _input;
    bool strict = false;

    void open(const std::string &path, TMode as) {
        mode = as;
        name = path;
        file = std::fopen(path.c_str(), "rb");
        if (file == nullptr) quit(as == _output ? _pe : _fail, ("cannot open " + path).c_str());
    }
    void attach(std::FILE *stream, TMode as) { file = stream; mode = as; name = "stdin"; }

    [[noreturn]] void quit(TResult result, const char *message) {
        if (mode != _output && result != _ok && result != _points && result < _partially) result = _fail;
        finish_(result, message);
    }
    [[noreturn]] void quit(TResult result, const std::string &message) { quit(result, message.c_str()); }
    [[noreturn]] void quitf(TResult result, const char *pattern, ...) {
        VERITUNE_FORMATTED(pattern, text)
        quit(result, text.c_str());
    }
    void quitif(bool condition, TResult result, const char *pattern, ...) {
        if (!condition) return;
        VERITUNE_FORMATTED(pattern, text)
        quit(result, text.c_str());
    }
    [[noreturn]] static void finish_(TResult result, const char *message);

    int peek_() { int c = std::getc(file); if (c != EOF) std::ungetc(c, file); return c; }
    char curChar() { int c = peek_(); return c == EOF ? (char) EOFC : (char) c; }
    char readChar() { int c = std::getc(file); if (c == EOF) quit(_unexpected_eof, "Unexpected end of file"); return (char) c; }
    char nextChar() { return readChar(); }
    char readChar(char wanted) {
        char c = readChar();
        if (c != wanted) quitf(_pe, "Unexpected character '%c', but '%c' expected", c, wanted);
        return c;
    }
    char readSpace() { return readChar(' '); }
    void skipChar() { readChar(); }
    void unreadChar(char c) { std::ungetc((unsigned char) c, file); }
    bool eof() { return peek_() == EOF; }
    bool eoln() {
        int c = peek_();
        return c == EOF || c == '\n' || c == '\r';
    }
    void skipBlanks() { for (int c = peek_(); c != EOF && isBlanks((char) c); c = peek_()) std::getc(file); }
    bool seekEof() { skipBlanks(); return eof(); }
    bool seekEoln() {
        for (int c = peek_(); c == ' ' || c == '\t'; c = peek_()) std::getc(file);
        return eoln();
    }
    void readEoln() {
        if (!seekEoln()) quit(_pe, "Expected EOLN");
        if (peek_() == '\r') std::getc(file);
        if (peek_() == '\n') std::getc(file);
    }
    void readEof() { if (!seekEof()) quit(_pe, "Expected EOF"); }
    void nextLine() { readLine(); }
    void close() { if (file != nullptr && file != stdin) std::fclose(file); file = nullptr; }
    void reset() { if (file != nullptr && file != stdin) std::rewind(file); }

    void readTokenTo(std::string &result) {
        skipBlanks();
        result.clear();
        for (int c = peek_(); c != EOF && !isBlanks((char) c); c = peek_()) { result += (char) c; std::getc(file); }
        if (result.empty()) quit(_unexpected_eof, "Unexpected end of file - token expected");
    }
    std::string readToken() { std::string result; readTokenTo(result); return result; }
    std::string readWord() { return readToken(); }
    std::string readToken(const std::string &pattern, const std::string &variable = "") {
        std::string result = readToken();
        if (!pattern_::matches(result, pattern))
            quitf(_wa, "Token %s \"%s\" doesn't correspond to pattern \"%s\"", variable.c_str(),
                  compress(result).c_str(), compress(pattern).c_str());
        return result;
    }
    std::string readWord(const std::string &pattern, const std::string &variable = "") {
        return readToken(pattern, variable);
    }
    void readWordTo(std::string &result) { readTokenTo(result); }

    void readStringTo(std::string &result) {
        if (eof()) quit(_pe, "Expected line");
        result.clear();
        for (int c = std::getc(file); c != EOF && c != '\n'; c = std::getc(file)) result += (char) c;
        if (!result.empty() && result.back() == '\r') result.pop_back();
    }
    void readLineTo(std::string &result) { readStringTo(result); }
    std::string readString() { std::string result; readStringTo(result); return result; }
    std::string readLine() { return readString(); }
    std::string readLine(const std::string &pattern, const std::string &variable = "") {
        std::string result = readString();
        if (!pattern_::matches(result, pattern))
            quitf(_wa, "Line %s \"%s\" doesn't correspond to pattern \"%s\"", variable.c_str(),
                  compress(result).c_str(), compress(pattern).c_str());
        return result;
    }
    std::string readString(const std::string &pattern, const std::string &variable = "") {
        return readLine(pattern, variable);
    }

    long long whole_(const std::string &token, const char *kind) {
        bool minus = token[0] == '-', good = token.size() > (size_t) minus && token.size() <= (size_t) minus + 19;
        for (size_t i = minus; i < token.size() && good; i++) good = token[i] >= '0' && token[i] <= '9';
        if (good && token[minus] == '0' && (token.size() > (size_t) minus + 1 || minus)) good = false;
        unsigned long long value = 0;
        for (size_t i = minus; i < token.size() && good; i++) value = value * 10 + (unsigned) (token[i] - '0');
        if (good && value > 9223372036854775807ULL + minus) good = false;
        if (!good) quitf(_pe, "Expected %s, but \"%s\" found", kind, compress(token).c_str());
        return minus ? (long long) (0ULL - value) : (long long) value;
    }
    long long readLong() { return whole_(readToken(), "int64"); }
    long long readInt64() { return readLong(); }
    unsigned long long readUnsignedLong() {
        std::string token = readToken();
        if (token[0] == '-') quitf(_pe, "Expected unsigned int64, but \"%s\" found", compress(token).c_str());
        if (token.size() < 19) return (unsigned long long) whole_(token, "unsigned int64");
        for (char c : token)
            if (c < '0' || c > '9') quitf(_pe, "Expected unsigned int64, but \"%s\" found", compress(token).c_str());
        errno = 0;
        unsigned long long value = std::strtoull(token.c_str(), nullptr, 10);
        if (errno != 0 || token[0] == '0') quitf(_pe, "Expected unsigned int64, but \"%s\" found", compress(token).c_str());
        return value;
    }
    template <class T> T within_(T value, T low, T high, const std::string &variable) {
        if (value < low || value > high) {
            const std::string named = variable.empty() ? "" : " '" + variable + "'";
            quit(_wa, "Number" + named + " equals to " + toString(value) + ", violates the range [" + toString(low)
                          + ", " + toString(high) + "]");
        }
        return value;
    }
    long long readLong(long long low, long long high, const std::string &variable = "") {
        return within_(readLong(), low, high, variable);
    }
    long long readInt64(long long low, long long high, const std::string &variable = "") {
        return readLong(low, high, variable);
    }
    unsigned long long readUnsignedLong(unsigned long long low, unsigned long long high, const std::string &v = "") {
        return within_(readUnsignedLong(), low, high, v);
    }
    int readInt() {
        std::string token = readToken();
        long long value = whole_(token, "int32");
        if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
            quitf(_pe, "Expected int32, but \"%s\" found", compress(token).c_str());
        return (int) value;
    }
    int readInteger() { return readInt(); }
    int readInt(int low, int high, const std::string &variable = "") {
        return within_(readInt(), low, high, variable);
    }
    int readInteger(int low, int high, const std::string &variable = "") { return readInt(low, high, variable); }

    double real_(const std::string &token) {
        bool good = !token.empty();
        for (char c : token) good = good && (std::isdigit((unsigned char) c) || std::strchr("+-.eE", c) != nullptr);
        char *end = nullptr;
        double value = good ? std::strtod(token.c_str(), &end) : 0;
        if (!good || *end != '\0' || !std::isfinite(value))
            quitf(_pe, "Expected double, but \"%s\" found", compress(token).c_str());
        return value;
    }
    double readReal() { return real_(readToken()); }
    double readDouble() { return readReal(); }
    double readReal(double low, double high, const std::string &variable = "") {
        return within_(readReal(), low, high, variable);
    }
    double readDouble(double low, double high, const std::string &variable = "") { return readReal(low, high, variable); }
    double readStrictReal(double low, double high, int least, int most, const std::string &variable = "") {
        std::string token = readToken();
        size_t point = token.find('.');
        int digits = point == std::string::npos ? 0 : (int) (token.size() - point - 1);
        bool good = token.find_first_not_of("-.0123456789") == std::string::npos && digits >= least && digits <= most;
        if (!good) quitf(_pe, "Expected strict double, but \"%s\" found", compress(token).c_str());
        return within_(real_(token), low, high, variable);
    }
    double readStrictDouble(double low, double high, int least, int most, const std::string &variable = "") {
        return readStrictReal(low, high, least, most, variable);
    }

#define VERITUNE_MANY(Name, Names, type)                                                                    \
    std::vector<type> Names(int size, type low, type high, const std::string &variable = "", int = 1) {     \
        std::vector<type> values;                                                                           \
        for (int i = 0; i < size; i++) values.push_back(Name(low, high, variable));                         \
        return values;                                                                                      \
    }                                                                                                       \
    std::vector<type> Names(int size, int = 1) {                                                            \
        std::vector<type> values;                                                                           \
        for (int i = 0; i < size; i++) values.push_back(Name());                                            \
        return values;                                                                                      \
    }
    VERITUNE_MANY(readInt, readInts, int)
    VERITUNE_MANY(readInt, readIntegers, int)
    VERITUNE_MANY(readLong, readLongs, long long)
    VERITUNE_MANY(readReal, readReals, double)
    VERITUNE_MANY(readReal, readDoubles, double)
#undef VERITUNE_MANY
    std::vector<std::string> readTokens(int size, const std::string & = "", int = 1) {
        std::vector<std::string> values;
        for (int i = 0; i < size; i++) values.push_back(readToken());
        return values;
    }
    std::vector<std::string> readWords(int size, const std::string &v = "", int first = 1) {
        return readTokens(size, v, first);
    }
};

InStream inf, ouf, ans;
std::fstream tout;

inline void InStream::finish_(TResult result, const char *message) {
    static const char *const names[] = {"ok", "wrong answer", "wrong output format", "FAIL", "wrong output format"};
    if (result == _ok && testlibMode == _checker && ouf.file != nullptr && !ouf.seekEof()) {
        result = _pe;
        message = "Extra information in the output file";
    }
    if (tout.is_open()) tout.close();
    std::fflush(stdout);
    std::string head = result == _points ? "points" : result >= _partially
        ? testlib_format_("partially correct (%d)", (int) result - _partially)
        : result == _unexpected_eof ? "wrong output format" : names[result];
    std::string at = __testlib_case >= 0 ? testlib_format_(" test case %d:", __testlib_case) : "";
    std::fprintf(stderr, "%s%s %s\n", head.c_str(), at.c_str(), message);
    if (result == _dirt || result == _unexpected_eof) result = _pe;
    std::_Exit(result >= _partially ? 16 + (result - _partially) : (int) result);
}

[[noreturn]] inline void quit(TResult result, const std::string &message) { InStream::finish_(result, message.c_str()); }
[[noreturn]] inline void quit(TResult result, const char *message) { InStream::finish_(result, message); }
[[noreturn]] inline void quitf(TResult result, const char *pattern, ...) {
    VERITUNE_FORMATTED(pattern, text)
    quit(result, text);
}
inline void quitif(bool condition, TResult result, const char *pattern, ...) {
    if (!condition) return;
    VERITUNE_FORMATTED(pattern, text)
    quit(result, text);
}
[[noreturn]] inline void quitp(double points, const char *pattern = "", ...) {
    VERITUNE_FORMATTED(pattern, text)
    quit(_points, testlib_format_("%.10g %s", points, text.c_str()));
}
[[noreturn]] inline void quitp(int points, const char *pattern = "", ...) {
    VERITUNE_FORMATTED(pattern, text)
    quit(_points, testlib_format_("%d %s", points, text.c_str()));
}
[[noreturn]] inline void quitpi(const std::string &points, const char *pattern = "", ...) {
    VERITUNE_FORMATTED(pattern, text)
    quit(_points, points + " " + text);
}
[[noreturn]] inline void __testlib_fail(const std::string &message) { quit(_fail, message); }
#define ensure(condition) do { if (!(condition)) quit(_fail, "Condition failed: \"" #condition "\""); } while (0)
inline void ensuref(bool condition, const char *pattern, ...) {
    if (condition) return;
    VERITUNE_FORMATTED(pattern, text)
    quit(_fail, text);
}
template <class T> [[noreturn]] void expectedButFound(TResult result, T expected, T found, const char *head = "", ...) {
    VERITUNE_FORMATTED(head, text)
    quit(result, (text.empty() ? "" : text + ": ") + "expected '" + toString(expected) + "', found '" + toString(found) + "'");
}

inline void setName(const char *, ...) {}
inline void setTestCase(int number) { __testlib_case = number; }
inline void unsetTestCase() { __testlib_case = -1; }
inline void disableFinalizeGuard() {}

inline void registerTestlibCmd(int argc, char **argv) {
    testlibMode = _checker;
    if (argc < 4) quit(_fail, "a checker takes INPUT OUTPUT ANSWER");
    inf.open(argv[1], _input);
    ouf.open(argv[2], _output);
    ans.open(argv[3], _answer);
}
inline void registerInteraction(int argc, char **argv) {
    testlibMode = _interactor;
    if (argc < 3) quit(_fail, "an interactor takes INPUT OUTPUT [ANSWER]");
    inf.open(argv[1], _input);
    tout.open(argv[2], std::ios_base::out);
    ouf.attach(stdin, _output);
    if (argc > 3) ans.open(argv[3], _answer);
}
inline void registerTestlib(int argc, ...) {
    va_list list;
    va_start(list, argc);
    std::vector<std::string> words(1);
    for (int i = 0; i < argc; i++) words.emplace_back(va_arg(list, const char *));
    va_end(list);
    testlibMode = _checker;
    if (argc < 3) quit(_fail, "a checker takes INPUT OUTPUT ANSWER");
    inf.open(words[1], _input);
    ouf.open(words[2], _output);
    ans.open(words[3], _answer);
}

inline long long stringToLongLong(InStream &in, const std::string &token) { return in.whole_(token, "int64"); }
inline double stringToDouble(InStream &in, const std::string &token) { return in.real_(token); }
template <class T> void println(const T &value) { std::cout << value << '\n'; }
template <class T, class... More> void println(const T &value, const More &...more) {
    std::cout << value << ' ';
    println(more...);
}

/* Seeded the same for every run. */
struct random_t {
    std::mt19937_64 engine{20240101};
    int next(int n) { return (int) (engine() % (unsigned long long) n); }
    long long next(long long n) { return (long long) (engine() % (unsigned long long) n); }
    int next(int low, int high) { return low + (int) (engine() % ((unsigned long long) high - low + 1)); }
    long long next(long long low, long long high) { return low + (long long) (engine() % (unsigned long long) (high - low + 1)); }
    double next() { return (double) (engine() >> 11) / 9007199254740992.0; }
    int wnext(int n, int) { return next(n); }
    void setSeed(long long seed) { engine.seed((unsigned long long) seed); }
    template <class C> typename C::value_type any(const C &c) { auto it = c.begin(); std::advance(it, next((int) c.size())); return *it; }
};
static random_t rnd;
template <class It> void shuffle(It first, It last) {
    for (auto n = last - first; n > 1; n--) std::iter_swap(first + n - 1, first + rnd.next((int) n));
}

#undef VERITUNE_FORMATTED
#endif
