//! Argon2id itself, at the cost that the service hashes with by default.

use argon2::{Algorithm, Argon2, Block, Params, Version};

/// A thread's own memory, used for one hash after the other as the service does: a hash that allocates anew is slower.
pub(crate) struct Raw {
    argon2: Argon2<'static>,
    arena: Vec<Block>,
}

impl Raw {
    pub(crate) fn new() -> Self {
        let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
        let arena = vec![Block::default(); params.block_count()];
        Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), arena }
    }

    pub(crate) fn hash(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        let hashed =
            self.argon2.hash_password_into_with_memory(b"correct horse battery", &[7; 16], &mut out, &mut self.arena);
        hashed.unwrap();
        out
    }
}
