//! What the processor can do.

use std::sync::OnceLock;

/// A set of instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What every processor of the architecture has.
    Portable,
    /// AVX2 with fused multiplication and addition.
    Avx2,
    /// AVX-512 with the dot products of bf16 and of 8-bit integers.
    Avx512,
}

impl Level {
    /// The best level of this machine.
    pub(crate) fn detect() -> Self {
        static DETECTED: OnceLock<Level> = OnceLock::new();
        *DETECTED.get_or_init(|| Self::available().last().copied().unwrap_or(Self::Portable))
    }

    /// Every level that this machine can run, the best last.
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bf16")
                    && is_x86_feature_detected!("avx512vnni")
                {
                    levels.push(Self::Avx512);
                }
            }
        }
        levels
    }
}

/// Makes `$name(level, …)` of a portable `#[inline(always)]` function with one parameter `const FUSED: bool`: the
/// function compiled for every level, with multiplications and additions fused where the processor can.
macro_rules! for_every_level {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name(level: $crate::kernels::Level, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
                fn avx512($($argument: $type),*) {
                    $body::<true>($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($argument: $type),*) {
                    $body::<true>($($argument),*)
                }
                match level {
                    // SAFETY: this level is only chosen where the processor was asked for these instructions.
                    $crate::kernels::Level::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: as above.
                    $crate::kernels::Level::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::kernels::Level::Portable => {}
                }
            }
            let _ = level;
            $body::<false>($($argument),*)
        }
    };
}
pub(crate) use for_every_level;

/// `a b + c`, rounded once where `FUSED`.
#[inline(always)]
pub(crate) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
