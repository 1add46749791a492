//! What a type must not be able to do, said beside it and held by the compiler: a `derive` that would
//! print, copy or write a secret does not build.

/// Whether a type has a trait, as a constant. What is said of a type itself counts before what is said
/// of all types.
macro_rules! implements {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code, reason = "it stands for every type")]
        trait Otherwise {
            const IMPLEMENTS: bool = false;
        }
        #[allow(dead_code, reason = "which of its two constants is meant depends on the type")]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code, reason = "it is there for types with the trait alone")]
        impl<T: ?Sized + $trait> Probe<T> {
            const IMPLEMENTS: bool = true;
        }
        <Probe<$type>>::IMPLEMENTS
    }};
}

/// Refuses to build where a type has one of these traits.
macro_rules! lacks {
    ($type:ty: $($trait:path),+) => {
        $(const _: () = assert!(
            !$crate::lacks::implements!($type: $trait),
            concat!("a secret type must not have this trait: ", stringify!($type: $trait)),
        );)+
    };
}

/// Refuses to build where what holds a secret can be printed, copied or written.
macro_rules! says_nothing {
    ($($type:ty),+ $(,)?) => {
        $($crate::lacks::lacks!(
            $type: std::fmt::Debug, std::fmt::Display, Clone, serde::Serialize
        );)+
    };
}

pub(crate) use {implements, lacks, says_nothing};

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    /// The check sees what a derive does, and that nothing was done.
    #[test]
    fn a_derive_is_seen() {
        #[derive(Debug, Clone, serde::Serialize)]
        struct Careless(u8);
        struct Careful;
        const SEEN: [bool; 4] = [
            implements!(Careless: Debug),
            implements!(Careless: Clone),
            implements!(Careless: serde::Serialize),
            implements!(str: Display),
        ];
        const NOT: [bool; 3] = [
            implements!(Careful: Debug),
            implements!(Careful: serde::Serialize),
            implements!(Careless: Display),
        ];
        assert_eq!((SEEN, NOT), ([true; 4], [false; 3]));
    }
}
