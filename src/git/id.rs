//! Object ids: 20 bytes (SHA-1) or 32 bytes (SHA-256), written as 40 or 64 lower-case hexadecimal digits.

use std::fmt;
use std::str::FromStr;

/// A text that is not 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object id is 40 or 64 hexadecimal digits")]
pub struct InvalidId;

/// The id of any object. The bytes past `length` are zero, so that derived comparison is right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ObjectId {
    bytes: [u8; 32],
    length: u8,
}

impl ObjectId {
    fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
        if bytes.len() != 20 && bytes.len() != 32 {
            return Err(InvalidId);
        }
        let mut padded = [0; 32];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { bytes: padded, length: bytes.len() as u8 })
    }

    fn from_hex(text: &[u8]) -> Result<Self, InvalidId> {
        if text.len() != 40 && text.len() != 64 {
            return Err(InvalidId);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Self::from_bytes(&bytes[..text.len() / 2])
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.as_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        let text = &text[..2 * usize::from(self.length)];
        formatter.write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
    }
}

fn hex_digit(digit: u8) -> Result<u8, InvalidId> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(InvalidId),
    }
}

macro_rules! object_id {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ObjectId);

        impl $name {
            /// From the raw 20 or 32 bytes.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
                ObjectId::from_bytes(bytes).map(Self)
            }

            /// From 40 or 64 hexadecimal digits, as git prints them.
            pub fn from_hex(text: &[u8]) -> Result<Self, InvalidId> {
                ObjectId::from_hex(text).map(Self)
            }

            /// The raw 20 or 32 bytes.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::from_hex(text.as_bytes())
            }
        }
    };
}

object_id!(
    /// The id of a commit.
    CommitId
);
object_id!(
    /// The id of a blob: one version of a file's content.
    BlobId
);
