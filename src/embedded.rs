//! The files that treehop carries and prints, compressed by build.rs: a fourth of their size, and a twentieth of
//! treehop's.

use zlib_rs::{InflateConfig, decompress_slice};

/// None of them is longer, in bytes.
const LONGEST: usize = 1 << 16;

/// The text of a file of this project, by its path from the root.
#[cfg(not(fuzzing))]
macro_rules! embedded {
    ($path:literal) => {
        $crate::embedded::text(include_bytes!(concat!(env!("OUT_DIR"), "/", $path)))
    };
}

// The package in tests/fuzz has no build.rs.
#[cfg(fuzzing)]
macro_rules! embedded {
    ($path:literal) => {
        String::new()
    };
}

/// What `compressed` was.
pub fn text(compressed: &[u8]) -> String {
    let mut text = vec![0; LONGEST];
    let (text, _) = decompress_slice(&mut text, compressed, InflateConfig::default());
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_is_there_byte_for_byte() {
        for (text, file) in [
            (
                embedded!("shell/treehop.nu"),
                include_str!("../shell/treehop.nu"),
            ),
            (
                embedded!("completions/_treehop"),
                include_str!("../completions/_treehop"),
            ),
        ] {
            assert_eq!(text, file);
        }
    }
}
