// Elementary functions out of the four operations that IEEE 754 rounds exactly. The C library's own
// differ in the last bit between platforms, and a seed must give the same delays on each of them.

/// The functions that the distributions are made of.
enum DistributionArithmetic {
    /// The natural logarithm of a positive, normal number.
    static func logarithm(_ x: Double) -> Double {
        var exponent = Double(x.exponent)
        var mantissa = x.significand
        // Between √½ and √2 the series below converges fastest.
        if mantissa > 1.414_213_562_373_095_1 {
            mantissa /= 2
            exponent += 1
        }
        // ln m = 2·artanh s = 2·(s + s³/3 + s⁵/5 + …) with s = (m − 1)/(m + 1), |s| < 0.172.
        let s = (mantissa - 1) / (mantissa + 1)
        var power = s
        var sum = s
        for odd in stride(from: 3.0, through: 25.0, by: 2.0) {
            power *= s * s
            sum += power / odd
        }
        return 2 * sum + exponent * 0.693_147_180_559_945_3
    }

    /// eˣ for −16 ≤ x ≤ 16.
    static func exponential(_ x: Double) -> Double {
        // The series of x/32, then five squarings.
        let small = x / 32
        var term = 1.0
        var sum = 1.0
        for n in stride(from: 1.0, through: 16.0, by: 1.0) {
            term *= small / n
            sum += term
        }
        for _ in 0..<5 { sum *= sum }
        return sum
    }

    /// 1/∛x for 2⁻²⁰ ≤ x ≤ 1.
    static func inverseCubeRoot(_ x: Double) -> Double {
        // Newton's iteration for y⁻³ = x, from below it grows towards the root without
        // overshooting.
        var y = 1.0
        for _ in 0..<64 {
            let next = y * (4 - x * y * y * y) / 3
            if next <= y { break }
            y = next
        }
        return y
    }

    /// The density of the standard normal distribution.
    static func normalDensity(_ x: Double) -> Double {
        Self.exponential(-x * x / 2) * 0.398_942_280_401_432_7
    }

    /// The probability that a standard normal number is below `x`, for −5 ≤ x ≤ 5.
    static func normalProbability(below x: Double) -> Double {
        // Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + x⁷/(3·5·7) + …); all terms have one sign.
        var term = x
        var sum = x
        var odd = 3.0
        while term.magnitude > 1e-18 {
            term *= x * x / odd
            sum += term
            odd += 2
        }
        return 0.5 + Self.normalDensity(x) * sum
    }

    /// The number that a standard normal number is below with probability `p`, for
    /// 3·10⁻⁵ ≤ p ≤ 1 − 3·10⁻⁵, searched from a number near it.
    static func normalQuantile(_ p: Double, near start: Double) -> Double {
        var x = start
        for _ in 0..<64 {
            let step = (Self.normalProbability(below: x) - p) / Self.normalDensity(x)
            x = min(max(x - step, -5), 5)
            if step.magnitude < 1e-13 { break }
        }
        return x
    }
}
