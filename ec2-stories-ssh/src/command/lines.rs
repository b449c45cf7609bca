//! Lines from pieces.

/// A line that is longer is given in parts.
const LONGEST: usize = 64 * 1024;

/// Makes lines from pieces of output, whatever the pieces' ends.
#[derive(Clone, Debug, Default)]
pub struct LineBuffer(Vec<u8>);

impl LineBuffer {
    /// Takes a piece and gives the lines that it ends, without their ends.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(piece);
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(end) = self.0[start..].iter().position(|byte| *byte == b'\n') {
            lines.push(line(&self.0[start..start + end]));
            start += end + 1;
        }
        self.0.drain(..start);
        while self.0.len() > LONGEST {
            lines.push(line(&self.0[..LONGEST]));
            self.0.drain(..LONGEST);
        }
        lines
    }

    /// The last line, if no end followed it.
    pub fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.0);
        (!rest.is_empty()).then(|| line(&rest))
    }
}

fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        let mut buffer = LineBuffer::default();
        assert_eq!(buffer.push(b"one\ntw"), ["one"]);
        assert_eq!(buffer.push("o é".as_bytes().split_at(3).0), Vec::<String>::new());
        assert_eq!(buffer.push(&"é".as_bytes()[1..]), Vec::<String>::new());
        assert_eq!(buffer.push(b"\r\n\n"), ["two é", ""]);
        assert_eq!(buffer.finish(), None);
        buffer.push(b"rest");
        assert_eq!(buffer.finish().as_deref(), Some("rest"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut buffer = LineBuffer::default();
        assert_eq!(buffer.push(&vec![b'x'; 3 * LONGEST]).len(), 2);
    }
}
