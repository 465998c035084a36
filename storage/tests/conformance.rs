//! Every backend against the one suite of a backend's obligations.

mod subjects;

mod memory {
    storage::conformance!(crate::subjects::InMemory::default());
}

mod sled_as_shipped {
    use crate::subjects::OnDisk;
    storage::conformance!(OnDisk::new(storage::sled::Options::default()));
}

mod sled_cramped {
    use crate::subjects::{OnDisk, cramped};
    storage::conformance!(OnDisk::new(cramped()));
}
