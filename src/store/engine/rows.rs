//! The header of `RowBinaryWithNamesAndTypes`, which the library repeats in every chunk of a stream.

use super::exception::{Exception, code};
use bytes::{Buf, Bytes};

/// The one format with a header that is streamed.
pub(super) const WITH_HEADER: &str = "RowBinaryWithNamesAndTypes";

/// Formats whose chunks can be put one behind the other. The rest are written whole by the engine.
pub(super) fn can_be_streamed(format: &str) -> bool {
    matches!(format, WITH_HEADER | "RowBinary" | "Native" | "JSONEachRow" | "TabSeparated" | "TSV" | "CSV")
}

/// Cuts the repeated header off all chunks but the first.
#[derive(Debug, Default)]
pub(super) struct HeaderStripper {
    header: Option<Bytes>,
}

impl HeaderStripper {
    /// The chunk as it should travel; may be empty.
    ///
    /// # Errors
    /// When the chunk has no header or another one: the format is not what this code was written for.
    pub(super) fn strip(&mut self, mut chunk: Bytes) -> Result<Bytes, Exception> {
        match &self.header {
            None => {
                let length = header_length(&chunk).ok_or_else(unexpected)?;
                self.header = Some(chunk.slice(..length));
            }
            Some(header) if chunk.starts_with(header) => chunk.advance(header.len()),
            Some(_) => return Err(unexpected()),
        }
        Ok(chunk)
    }
}

fn unexpected() -> Exception {
    Exception::new(code::UNKNOWN_EXCEPTION, format!("unexpected header inside a {WITH_HEADER} stream"))
}

/// Bytes of the header: the number of columns, their names, their types; each a string with its length before it.
fn header_length(chunk: &[u8]) -> Option<usize> {
    let mut rest = chunk;
    let columns = read_length(&mut rest)?;
    for _ in 0..columns.checked_mul(2)? {
        let length = read_length(&mut rest)?;
        rest = rest.get(length..)?;
    }
    Some(chunk.len() - rest.len())
}

/// ClickHouse's variable-length integer (LEB128).
fn read_length(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_header_travels() {
        let header = b"\x02\x01a\x02bc\x05UInt8\x06String";
        let chunk = |rows: &[u8]| Bytes::from([header.as_slice(), rows].concat());
        let mut stripper = HeaderStripper::default();
        assert_eq!(stripper.strip(chunk(b"\x01\x00")).unwrap(), chunk(b"\x01\x00"));
        assert_eq!(stripper.strip(chunk(b"\x02\x00")).unwrap(), &b"\x02\x00"[..]);
        assert_eq!(stripper.strip(chunk(b"")).unwrap(), &b""[..]);
        assert!(stripper.strip(Bytes::from_static(b"\x01\x01z")).is_err());
    }

    #[test]
    fn a_broken_header_is_an_error() {
        for bytes in [&b""[..], b"\x02\x01a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x01\x7fshort"] {
            assert!(HeaderStripper::default().strip(Bytes::from_static(bytes)).is_err(), "{bytes:?}");
        }
    }
}
